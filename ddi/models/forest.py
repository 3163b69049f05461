"""Random forests as generators of cells: one forest a group, one tree a sample (write-up, section
2.2.3).

Forests are grown by scikit-learn and kept as plain arrays of nodes, so that a stored model is small
and outlives versions of scikit-learn. `ForestLiteral` is section 2.2.3 to the letter; `Forest`
chooses sizes that suit small groups.
"""

from dataclasses import dataclass

import numpy as np

from ddi.data.scaling import CellScaler
from ddi.models.cells import cell_matrix, cells_from_free, free_parameters, pattern_matrix
from ddi.models.generator import Generator


@dataclass(frozen=True)
class Trees:
    """The nodes of several trees, one after the other.

    Attributes
    ----------
    root : ndarray of int, shape (n_trees,)
    feature : ndarray of int, shape (n_nodes,)
        Which feature a node compares; -1 at a leaf.
    threshold : ndarray of float32, shape (n_nodes,)
        Go left if the feature is not above it.
    left, right : ndarray of int, shape (n_nodes,)
    value : ndarray of float32, shape (n_nodes, n_outputs)
        Mean target of a leaf; empty where a model has no use for it.
    """

    root: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray

    @classmethod
    def from_sklearn(cls, forest, values=True):
        """Copy the nodes of a fitted scikit-learn forest."""
        trees = [estimator.tree_ for estimator in forest.estimators_]
        root = np.cumsum([0] + [tree.node_count for tree in trees[:-1]])
        feature = np.concatenate([np.maximum(tree.feature, -1) for tree in trees]).astype(np.int8)
        left, right = (
            np.concatenate([getattr(tree, side) + at for tree, at in zip(trees, root)])
            for side in ("children_left", "children_right")
        )
        threshold = np.where(feature < 0, 0, np.concatenate([tree.threshold for tree in trees]))
        value = (
            np.concatenate([tree.value[:, :, 0] for tree in trees]) if values else np.empty((0, 0))
        )
        value = np.where(feature[:, None] < 0, value, 0) if values else value  # zeros compress
        left, right = (np.where(feature < 0, 0, side).astype(np.int32) for side in (left, right))
        return cls(
            root.astype(np.int32),
            feature,
            threshold.astype(np.float32),
            left,
            right,
            value.astype(np.float32),
        )

    def apply(self, features):
        """Return the leaf that each row reaches in each tree, shape (n, n_trees)."""
        features = np.asarray(features, dtype=np.float32)
        node = np.repeat(self.root[None], len(features), axis=0)
        rows = np.arange(len(features))[:, None]
        while ((at := self.feature[node]) >= 0).any():
            below = features[rows, np.maximum(at, 0)] <= self.threshold[node]
            node = np.where(at < 0, node, np.where(below, self.left[node], self.right[node]))
        return node

    def arrays(self, prefix):
        """Return the arrays by name, for an npz file."""
        return {f"{prefix}.{name}": getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def restore(cls, arrays, prefix):
        """Take back what `arrays` returned."""
        return cls(*(arrays[f"{prefix}.{name}"] for name in cls.__dataclass_fields__))


class Forest(Generator):
    """Eighty trees a group, each grown on a tenth of the rows.

    Parameters
    ----------
    n_trees : int
    max_samples : float
        Share of a group's rows that a tree sees.
    min_samples_leaf : int
    min_rows : int
        Small groups: a tree sees at least this many rows (all, where there are fewer), and a leaf
        holds at most a twentieth of what the tree sees. Without this a tenth of 200 rows makes
        trees of one or two leaves. 0: as `ForestLiteral`.
    """

    name = "forest"

    def __init__(self, n_trees=80, max_samples=0.1, min_samples_leaf=10, min_rows=100):
        self.n_trees = n_trees
        self.max_samples = max_samples
        self.min_samples_leaf = min_samples_leaf
        self.min_rows = min_rows
        self.trees = {}
        self.cell_scaler = None

    def sizes(self, n_rows):
        """Return (rows a tree sees, rows a leaf holds) for a group of `n_rows`."""
        seen = min(n_rows, max(int(self.max_samples * n_rows), self.min_rows, 1))
        leaf = min(self.min_samples_leaf, seen // 20) if self.min_rows else self.min_samples_leaf
        return seen, max(leaf, 1)

    def _fit(self, train, seeds):
        free = np.concatenate([self._free(rows, group) for group, rows in self.by_group(train)])
        self.cell_scaler = CellScaler.fit(free, self.system)
        for (group, rows), seed in zip(self.by_group(train), seeds.spawn(len(self.groups))):
            self.trees[group.name] = self._grow(rows, group, int(seed.generate_state(1)[0] >> 1))

    def _free(self, rows, group):
        return free_parameters(cell_matrix(rows), self.system, group.unique_axis)

    def _grow(self, rows, group, seed):
        from sklearn.ensemble import RandomForestRegressor

        seen, leaf = self.sizes(len(rows))
        forest = RandomForestRegressor(
            self.n_trees, max_samples=seen, min_samples_leaf=leaf, random_state=seed
        )
        scaled = self.cell_scaler.forward(self._free(rows, group))
        return Trees.from_sklearn(
            forest.fit(
                pattern_matrix(rows, self.system).astype(np.float32),
                scaled[:, 0] if scaled.shape[1] == 1 else scaled,
            )
        )

    def predictions(self, q2, group):
        """Return every tree's cells for a group, in scaled space, shape (n_patterns, n_trees,
        n_free).
        """
        trees = self.trees[group.name]
        return trees.value[trees.apply(q2)]

    def mean(self, q2, group):
        """Return the forest's mean in scaled space, shape (n_patterns, n_free)."""
        return self.predictions(q2, group).mean(axis=1)

    def _draw(self, group, q2, n, rng):
        """Single trees in random order, another for each pattern; all trees are used before one
        comes again.
        """
        trees = self.predictions(q2, group)
        rounds = [
            rng.random(trees.shape[:2]).argsort(axis=1) for _ in range(-(-n // trees.shape[1]))
        ]
        picks = np.concatenate(rounds, axis=1)[:, :n]
        return cells_from_free(
            self.cell_scaler.inverse(np.take_along_axis(trees, picks[..., None], axis=1)),
            self.system,
            group.unique_axis,
        )

    def arrays(self):
        """Return what was learned, by name."""
        stored = {f"scaler.{key}": value for key, value in self.cell_scaler.to_dict().items()}
        for k, group in enumerate(self.groups):
            stored |= self.trees[group.name].arrays(str(k))
        return stored

    def restore(self, arrays):
        """Take back what `arrays` returned."""
        self.cell_scaler = CellScaler.from_dict(
            {key[7:]: value for key, value in arrays.items() if key.startswith("scaler.")}
        )
        self.trees = {
            group.name: Trees.restore(arrays, str(k)) for k, group in enumerate(self.groups)
        }


class ForestLiteral(Forest):
    """The write-up's forest to the letter: a tree sees a tenth of the rows and a leaf holds ten,
    however small the group.
    """

    name = "forest_literal"

    def __init__(self, n_trees=80, max_samples=0.1, min_samples_leaf=10):
        super().__init__(n_trees, max_samples, min_samples_leaf, min_rows=0)
