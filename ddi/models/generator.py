"""Generators: from a pattern's first peaks to random cells (write-up, sections 2.2 and 2.4.2).

Every generator has the same four methods: ``fit``, ``sample``, ``save`` and ``load``. A generator
of one lattice system holds one model a group. What learns is in `ddi.models.forest`,
`ddi.models.network`, `ddi.models.shape` and `ddi.models.scale_free`; what does not is in
`ddi.models.controls`.
"""

import hashlib
import importlib
import json
import zipfile
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ddi.base.errors import DDIError
from ddi.base.files import atomic
from ddi.forward import lattice
from ddi.models.cells import cell_matrix, pattern_matrix

FORMAT = 1  # of model files; raised when their content changes
CONTROLS = ("random", "rescaled", "nearest")
LEARNED = ("forest", "network", "tuned", "shape", "forest_literal", "network_literal",
           "scale_free", "template_network")  # fmt: skip
_HOMES = {
    "forest": ("forest", "Forest"),
    "forest_literal": ("forest", "ForestLiteral"),
    "network": ("network", "Network"),
    "network_literal": ("network", "NetworkLiteral"),
    "tuned": ("network", "Tuned"),
    "scale_free": ("scale_free", "ScaleFree"),
    "template_network": ("template_network", "TemplateNetwork"),
    "shape": ("shape", "Shape"),
    "random": ("controls", "Random"),
    "rescaled": ("controls", "Rescaled"),
    "nearest": ("controls", "Nearest"),
}


@dataclass(frozen=True)
class Group:
    """One group of a lattice system: its name, its number of real (not augmented) training entries,
    its unique axis (-1: none).
    """

    name: str
    n_entries: int
    unique_axis: int = -1


def fingerprint(frame, system):
    """Return a short hash of a training frame's cells and peaks: what a model was trained on."""
    digest = hashlib.sha256(system.encode())
    for array in (pattern_matrix(frame, system), cell_matrix(frame)):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def groups_of(frame):
    """Return the groups of a training frame in alphabetical order."""
    real = frame if "augmented" not in frame else frame[~frame["augmented"].astype(bool)]
    counts = real["group"].value_counts()
    axes = frame.groupby("group")["unique_axis"].first()
    return [
        Group(str(name), int(counts.get(name, 1)), int(axes[name])) for name in sorted(axes.index)
    ]


class Generator:
    """What all generators share; a kind adds `_fit`, `_draw`, and `arrays` with `restore` to store
    what it learned.

    Attributes
    ----------
    name, system, data : str
        Kind, lattice system and `fingerprint` of the training data.
    groups : list of Group
        One model each; a generator that does not group has one group named "all".
    """

    name = ""

    def fit(self, train, *, system, seed=0):
        """Learn from a training frame (`ddi.data.dataset.training`); rows with too few peaks must
        be gone.

        Raises
        ------
        DDIError
            If the frame has no rows.
        """
        if not len(train):
            raise DDIError(
                f"no training rows for the {system} {self.name}; run 04_augment with more entries"
            )
        self.system = system
        self.data = fingerprint(train, system)
        self.groups = groups_of(train)
        self._fit(train, np.random.SeedSequence(seed))
        return self

    def sample(self, q2, n, *, seed=0, groups=None):
        """Draw `n` cells a group for each pattern.

        Parameters
        ----------
        q2 : array_like, shape (n_patterns, n_peaks)
            First peaks in A^-2, ascending.
        n : int
        seed : int
        groups : sequence of str, optional
            Only these groups.

        Returns
        -------
        ndarray, shape (n_patterns, n * n_groups, 6)
            Usable cells: monoclinic b-unique, a <= c and beta obtuse; all valid. Group after group.
        """
        chosen = self.chosen(groups)
        return np.concatenate(
            [
                self._draw(group, _checked(q2, self.system), n, rng)
                for group, rng in zip(chosen, self._rngs(chosen, seed))
            ],
            axis=1,
        )

    def pooled(self, q2, n, *, seed=0, groups=None):
        """Draw `n` cells in all for each pattern, the groups taking turns in proportion to their
        numbers of training entries.

        The first k of them are what a budget of k cells would have bought, so one call gives a
        whole best-of-n curve.
        """
        q2 = _checked(q2, self.system)
        chosen = self.chosen(groups)
        order = turns(np.array([[group.n_entries for group in chosen]], dtype=float), n)[0]
        cells = np.empty((len(q2), n, 6))
        for g, (group, rng) in enumerate(zip(chosen, self._rngs(chosen, seed))):
            if (mine := order == g).any():
                cells[:, mine] = self._draw(group, q2, int(mine.sum()), rng)
        return cells

    def chosen(self, groups=None):
        """Return the groups with the given names, or all."""
        known = {group.name: group for group in self.groups}
        if missing := [name for name in groups or () if name not in known]:
            raise DDIError(
                f"the {self.system} {self.name} has no group {', '.join(missing)}; "
                f"it has {', '.join(known)}"
            )
        return [known[name] for name in groups] if groups else self.groups

    def by_group(self, frame):
        """Return each group with its rows of a frame."""
        return [(group, frame[frame["group"] == group.name]) for group in self.groups]

    def _rngs(self, groups, seed):
        """One stream a group, so that a group's draws do not depend on which others are asked."""
        names = [
            int.from_bytes(hashlib.sha256(group.name.encode()).digest()[:4], "little")
            for group in groups
        ]
        return [np.random.default_rng([seed, name]) for name in names]

    def save(self, path):
        """Write the model as one compressed npz file."""
        meta = {
            "kind": self.name,
            "format": FORMAT,
            "system": self.system,
            "data": self.data,
            "groups": [asdict(group) for group in self.groups],
        }
        with atomic(path) as target:
            np.savez_compressed(target, meta=np.array(json.dumps(meta)), **self.arrays())

    @classmethod
    def load(cls, path, *, system=None, data=None):
        """Read a model, or refuse it by name.

        Parameters
        ----------
        path : str or Path
        system, data : str, optional
            What the file must be for: lattice system, and `fingerprint` of the training data.

        Raises
        ------
        DDIError
            If there is no such file, it is no such model, or it is for something else.
        """
        meta, arrays = _read(Path(path))
        expected = (
            {"kind": cls.name, "format": FORMAT}
            | ({"system": system} if system else {})
            | ({"data": data} if data else {})
        )
        for key, value in expected.items():
            if meta.get(key) != value:
                raise DDIError(
                    f"{path}: its {key} is '{meta.get(key)}', expected '{value}'; "
                    "train it again with notebooks 05 to 07"
                )
        model = cls()
        model.system = meta["system"]
        model.data = meta["data"]
        model.groups = [Group(**group) for group in meta["groups"]]
        model.restore(arrays)
        return model


def turns(shares, n):
    """Say which group each of n cells comes from; groups take turns in proportion to their shares.

    Parameters
    ----------
    shares : ndarray, shape (n_patterns, n_groups)
        Positive; only their ratios count.
    n : int

    Returns
    -------
    ndarray of int, shape (n_patterns, n)
    """
    n_patterns, n_groups = shares.shape
    turn = (np.arange(n) + 0.5) / shares[..., None]
    order = np.argsort(turn.reshape(n_patterns, -1), axis=1, kind="stable")
    return np.repeat(np.arange(n_groups), n)[order[:, :n]]


def _checked(q2, system):
    q2 = np.atleast_2d(np.asarray(q2, dtype=float))
    n = lattice.N_PEAKS[system]
    if q2.shape[1] < n or not np.isfinite(q2).all():
        raise DDIError(
            f"{system} generators read {n} peaks a pattern, got {q2.shape[1]}; "
            "give more peaks, all finite"
        )
    return q2[:, :n]


def _read(path):
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = dict(stored)
        return json.loads(str(arrays.pop("meta"))), arrays
    except FileNotFoundError as error:
        raise DDIError(f"{path} does not exist; notebooks 05 to 07 train the models") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DDIError(
            f"{path} is not a model of this package; delete it and run notebooks 05 to 07"
        ) from error


def path_of(study, name, system):
    """Return where a study keeps a generator."""
    return study.models / f"{name}_{system}.npz"


def load(study, name, system):
    """Return a study's generator, read when first asked for."""
    path = path_of(study, name, system)
    return _load(name, path, system, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=64)
def _load(name, path, system, _written):
    return kind(name).load(path, system=system)


def kind(name):
    """Return the class of generators called `name`."""
    if name not in _HOMES:
        raise DDIError(f"there is no generator '{name}'; choose one of {', '.join(_HOMES)}")
    module, kind_of = _HOMES[name]
    return getattr(importlib.import_module(f"ddi.models.{module}"), kind_of)
