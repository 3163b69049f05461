"""Where a study keeps its files, and who may write the published ones.

A study has a name. ``data/interim/<name>``, ``data/models/<name>`` and ``data/results/<name>`` are
its own. The published folders ``figures`` and ``paper`` are written by the default study alone, and
only when the runner (`ddi.study.runner`) has started it; everything else keeps its figures and
tables with its results.
"""

import os
from pathlib import Path

from ddi.base.errors import DDIError

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = "default"
EXPLORE = "explore"  # what is run by hand, or with other parameters, goes by this name
STARTED = "DDI_STUDY"  # environment variable by which the runner tells a kernel the study's name


class Study:
    """The folders of one study; they exist once this is made.

    Parameters
    ----------
    profile : str
        smoke, default, full or a name of your own.
    root : Path, optional
        The repository, or a copy of its folders elsewhere; the environment variable DDI_ROOT, else
        this checkout.
    may_publish : bool
        Without it figures and tables stay with the results, whoever has started this.

    Attributes
    ----------
    raw, interim, models, results, figures, tables, numbers, stamps : Path
    published : bool
        Whether figures and tables go to the folders that are committed.
    """

    def __init__(self, profile=DEFAULT, root=None, may_publish=True):
        self.profile = profile
        self.root = Path(root or os.environ.get("DDI_ROOT", ROOT))
        started = os.environ.get(STARTED)
        self.published = may_publish and profile == DEFAULT == started
        data = self.root / "data"
        self.raw = data / "raw"
        self.interim, self.models, self.results = (
            data / kind / profile for kind in ("interim", "models", "results")
        )
        self.figures = self.root / "figures" if self.published else self.results / "figures"
        self.tables = self.root / "paper" / "tables" if self.published else self.results / "tables"
        self.numbers = self.results / "numbers"
        self.stamps = self.results / "stamps"
        self._make_folders()

    def __eq__(self, other):
        return isinstance(other, Study) and vars(self) == vars(other)

    def __hash__(self):
        return hash((self.profile, self.root))

    def _make_folders(self):
        folders = (self.raw, self.interim, self.models, self.results, self.figures, self.tables)
        try:
            for folder in (*folders, self.numbers, self.stamps):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DDIError(
                f"cannot write below {self.root}: {error.strerror}; "
                "copy the repository to a folder that you can write, or set DDI_ROOT"
            ) from error

    @classmethod
    def here(cls, profile=DEFAULT, root=None, may_publish=True):
        """Return the study that a notebook works in.

        Started by the runner, it is the runner's. Run by hand (Jupyter, papermill), a name that has
        a profile stands for what is read: results go to the study ``explore``, so that nothing of
        the profile's own run is touched. What ``explore`` (or a name of your own) has not made
        itself is linked from that profile, else from the default one, else from the smoke one.
        """
        started = os.environ.get(STARTED)
        if started:
            return cls(started, root, may_publish)
        study = cls(EXPLORE if has_profile(profile, root) else profile, root)
        source = study.borrow(profile)
        print(
            f"run by hand: reads data/*/{source or study.profile}, "
            f"writes {study.results.relative_to(study.root)}"
        )
        return study

    def borrow(self, profile=DEFAULT):
        """Link another study's interim files and models where this one has none; return its name.

        Files are written to a temporary name and renamed, so a link that is written to becomes a
        file of this study, and the other's stays.
        """
        for name in (profile, DEFAULT, "smoke"):
            source = self.root / "data" / "interim" / name
            if name != self.profile and (source / "dataset.parquet").exists():
                for kind, own in (("interim", self.interim), ("models", self.models)):
                    _link_files(self.root / "data" / kind / name, own)
                return name
        return None

    def files(self, patterns):
        """Return label -> file for the files that `patterns` name now, sorted.

        Patterns are globs relative to the repository; ``{profile}`` is the study's name. Below
        ``$DDI_RRUFF`` and the like labels keep the variable, so that the same data elsewhere are
        the same; a variable that is not set gives the label with no file (None).
        """
        found = {}
        for pattern in patterns:
            pattern = pattern.format(profile=self.profile)
            variable, _, rest = pattern.partition("/")
            if not variable.startswith("$"):
                base, prefix, rest = self.root, "", pattern
            elif value := os.environ.get(variable[1:]):
                base, prefix = Path(value), f"{variable}/"
            else:
                found[variable] = None
                continue
            paths = [path for path in base.glob(rest) if path.is_file()]
            found |= {prefix + path.relative_to(base).as_posix(): path for path in paths}
        return dict(sorted(found.items()))


def has_profile(name, root=None):
    """Say whether ``notebooks/profiles`` describes a study of this name."""
    root = Path(root or os.environ.get("DDI_ROOT", ROOT))
    return (root / "notebooks" / "profiles" / f"{name}.yml").exists()


def _link_files(source, own):
    for path in own.iterdir():
        if path.is_symlink() and path.resolve().parent != source.resolve():
            path.unlink()  # of another source, or broken
    for path in source.iterdir() if source.is_dir() else ():
        target = own / path.name
        if path.is_file() and not path.name.startswith(".") and not target.exists():
            target.unlink(missing_ok=True)
            target.symlink_to(os.path.relpath(path, own))
