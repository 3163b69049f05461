"""study: to be described."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = "default"


class Study:
    """The folders of one profile; they exist once this is made.

    Parameters
    ----------
    profile : str
        smoke, default, full or a name of your own. Only the default profile writes to the committed
        folders ``figures`` and ``paper/tables``; every other keeps its figures and tables with its
        results.
    root : Path, optional
        The repository, or a copy of its folders elsewhere; the environment variable DDI_ROOT, else
        this checkout.

    Attributes
    ----------
    raw, interim, models, results, figures, tables, numbers : Path
    """

    def __init__(self, profile=DEFAULT, root=None):
        self.profile = profile
        self.root = Path(root or os.environ.get("DDI_ROOT", ROOT))
        data = self.root / "data"
        self.raw = data / "raw"
        self.interim, self.models, self.results = (
            data / kind / profile for kind in ("interim", "models", "results")
        )
        committed = profile == DEFAULT
        self.figures = self.root / "figures" if committed else self.results / "figures"
        self.tables = self.root / "paper" / "tables" if committed else self.results / "tables"
        self.numbers = self.results / "numbers"
        self.stamps = self.results / "stamps"
        for folder in (
            self.raw,
            self.interim,
            self.models,
            self.results,
            self.figures,
            self.tables,
            self.numbers,
            self.stamps,
        ):
            folder.mkdir(parents=True, exist_ok=True)

    def files(self, patterns):
        """Return the files that `patterns` name now, sorted; a pattern whose environment variable
        is not set names none.
        """
        found = set()
        for pattern in patterns:
            pattern = os.path.expandvars(pattern.format(profile=self.profile))
            if "$" in pattern:
                continue
            base, glob = (
                (Path("/"), pattern.lstrip("/")) if os.path.isabs(pattern) else (self.root, pattern)
            )
            found.update(path for path in base.glob(glob) if path.is_file())
        return sorted(found)
