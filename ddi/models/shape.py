"""The shape generator: scale-free donors from a forest's leaves, refined against the peaks, ranked.

It differs from the other generators in three ways. (1) A pattern divided by its own mean q2, and
its cell multiplied by the root of that, have no scale: a metal-organic cell of 2,000 A^3 teaches
shapes to a mineral of 200 A^3, and one model serves a whole lattice system. (2) It learns from
spoilt patterns, with a zero shift, missing and spurious lines, and a leaf hands out the training
cells in it, not their mean, so that a pattern with two explanations gets both. (3) A donor's shape,
a little jittered, is only a start: `ddi.models.snap` refines it against the peaks and scores it by
a likelihood ratio that accounts for accidental coincidences; the best distinct cells are returned,
best first.
"""

import numpy as np

from ddi.forward import lattice
from ddi.forward.noise import spoil
from ddi.models.cells import in_order, make_valid, usable_cells
from ddi.models.forest import Trees
from ddi.models.generator import Generator, Group


class Shape(Generator):
    """Donors from the leaves of extremely randomised trees over a whole lattice system.

    Parameters
    ----------
    n_trees, min_samples_leaf : int
    copies : int
        Spoilt copies of each real training pattern, besides the pattern itself; augmented rows get
        one.
    max_rows : int
        A random choice of rows is kept beyond this.
    jitter : float
        Standard deviation of the log lengths, and of the angles in radians, around a donor.
    n_proposals : int
        Donors tried for each pattern, whatever number of cells is asked for.
    snapped : bool
        False returns jittered donors as they come: the learned part alone.
    """

    name = "shape"

    def __init__(
        self,
        n_trees=60,
        min_samples_leaf=10,
        copies=4,
        max_rows=20_000,
        jitter=0.03,
        n_proposals=1500,
        snapped=True,
    ):
        self.n_trees = n_trees
        self.min_samples_leaf = min_samples_leaf
        self.copies = copies
        self.max_rows = max_rows
        self.jitter = jitter
        self.n_proposals = n_proposals
        self.snapped = snapped

    def _fit(self, train, seeds):
        from sklearn.ensemble import ExtraTreesRegressor

        real = int((~train["augmented"].astype(bool)).sum()) if "augmented" in train else len(train)
        self.groups = [Group("all", real)]
        q2, cells = self._patterns(train, np.random.default_rng(seeds))
        scale = q2.mean(axis=1)
        self.donors = self._shapes(cells, scale).astype(np.float32)
        target = np.concatenate(
            [
                np.log(self.donors[:, ~self._angles]),
                np.cos(np.radians(self.donors[:, self._angles])),
            ],
            axis=1,
        )
        target /= np.maximum(target.std(axis=0), 1e-6)
        forest = ExtraTreesRegressor(
            self.n_trees,
            min_samples_leaf=self.min_samples_leaf,
            random_state=int(seeds.generate_state(1)[0] >> 1),
        )
        features = (q2 / scale[:, None]).astype(np.float32)
        self.trees = Trees.from_sklearn(
            forest.fit(features, target[:, 0] if target.shape[1] == 1 else target), values=False
        )
        self._index(self.trees.apply(features))

    @property
    def _angles(self):
        return np.array(lattice.SYSTEM[self.system].free) >= 3

    def _shapes(self, cells, scale):
        """Free cell parameters with lengths times the root of the pattern's scale."""
        free = lattice.free_cell(cells, self.system)
        return np.where(self._angles, free, free * np.sqrt(scale)[:, None])

    def _patterns(self, train, rng):
        """Return peaks (n, n_peaks) and cells of the training patterns and their spoilt copies."""
        n_peaks = lattice.N_PEAKS[self.system]
        augmented = (
            train["augmented"].to_numpy(bool)
            if "augmented" in train
            else np.zeros(len(train), dtype=bool)
        )
        lists = [np.asarray(q2, dtype=float) for q2 in train["q2"]]
        rows = np.concatenate(
            [
                np.arange(len(train)),
                np.repeat(np.arange(len(train)), np.where(augmented, 1, self.copies)),
            ]
        )
        rows = np.concatenate([rows[: len(train)], rng.permutation(rows[len(train) :])])[
            : max(self.max_rows, len(train))
        ]
        spoilt = [
            lists[row][:n_peaks] if k < len(train) else spoil(lists[row], n_peaks, rng)
            for k, row in enumerate(rows)
        ]
        kept = [k for k, pattern in enumerate(spoilt) if pattern is not None]
        return np.array([spoilt[k] for k in kept]), usable_cells(train, self.system)[rows[kept]]

    def _index(self, leaves):
        """For each node, where its donors stand in `members`: the rows in order of leaf, tree after
        tree.
        """
        order = np.argsort(leaves, axis=0, kind="stable")
        self.members = order.T.ravel().astype(np.int32)
        counts = np.bincount(leaves.ravel(), minlength=len(self.trees.feature))
        self.count = counts.astype(np.int32)
        self.start = (np.cumsum(counts) - counts).astype(np.int32)

    def propose(self, q2, n, rng):
        """Return n jittered donors for each pattern, scaled to it, shape (n_patterns, n, 6)."""
        scale = q2.mean(axis=1)
        leaves = self.trees.apply(q2 / scale[:, None])
        leaf = leaves[:, np.arange(n) % leaves.shape[1]]
        free = self.donors[
            self.members[self.start[leaf] + (rng.random(leaf.shape) * self.count[leaf]).astype(int)]
        ].astype(float)
        noise = self.jitter * rng.standard_normal(free.shape)
        free = np.where(
            self._angles,
            free + np.degrees(noise),
            free * np.exp(noise) / np.sqrt(scale)[:, None, None],
        )
        return self._usable(lattice.full_cell(free, self.system))

    def _usable(self, cells):
        cells = make_valid(cells)
        return (
            lattice.b_unique(cells, 1)
            if self.system == "monoclinic"
            else in_order(cells, self.system)
        )

    def _draw(self, _group, q2, n, rng):
        if not self.snapped:
            return self.propose(q2, n, rng)
        return np.array(
            [
                self._best(
                    pattern, self.propose(pattern[None], max(self.n_proposals, n), rng)[0], n
                )
                for pattern in q2
            ]
        ).reshape(-1, n, 6)

    def _best(self, q2, cells, n):
        from ddi.models.snap import distinct, snap

        cells, scores = snap(q2, cells, self.system)
        cells = self._usable(cells)[np.argsort(-scores, kind="stable")]
        return cells[distinct(cells, n, 0.005)]

    def arrays(self):
        """Return what was learned, by name."""
        settings = np.array([self.jitter, self.n_proposals, self.snapped])
        return self.trees.arrays("trees") | {
            "donors": self.donors,
            "members": self.members,
            "start": self.start,
            "count": self.count,
            "settings": settings,
        }

    def restore(self, arrays):
        """Take back what `arrays` returned."""
        self.trees = Trees.restore(arrays, "trees")
        self.donors, self.members, self.start, self.count = (
            arrays[name] for name in ("donors", "members", "start", "count")
        )
        self.jitter = float(arrays["settings"][0])
        self.n_proposals = int(arrays["settings"][1])
        self.snapped = bool(arrays["settings"][2])
