"""The dataset file: one row a unique crystal with its three cells and two peak lists, and how
models read it (write-up 2.1.1).

Building it runs in chunks. A finished chunk is a file, named by a hash of everything that went into
it, so an interrupted build goes on where it stopped; the workers of a cluster must see the same
folder.
"""

import hashlib
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import ddi
from ddi.base.errors import DDIError
from ddi.base.files import atomic
from ddi.base.parallel import map_parallel
from ddi.forward import constants, lattice, powder, scattering, settings, systems
from ddi.forward.bragg import WRITEUP_WAVELENGTH
from ddi.forward.constants import FORWARD

CHUNK = 100  # entries a chunk
_STRINGS = ("identifier", "source", "name", "formula", "sg_symbol", "sg_symbol_reindexed",
            "bravais", "lattice_system")  # fmt: skip
_CELLS = {
    "cell_conventional": "volume_conventional",
    "cell": "volume",
    "cell_niggli": "volume_niggli",
}
_LISTS = [f"{name}_{k}" for k in (1, 2) for name in ("q2", "hkl", "hkl_conventional", "intensity")]
UNITS = {
    "r_factor": "fraction",
    "n_atoms": "atoms in the conventional cell",
    **{name: "a b c in A, alpha beta gamma in degrees" for name in _CELLS},
    **{name: "A^3" for name in _CELLS.values()},
    **{f"q2_{k}": "1/d^2 in A^-2" for k in (1, 2)},
    **{f"intensity_{k}": "integrated, strongest simulated line = 1" for k in (1, 2)},
    **{
        f"hkl{which}_{k}": "h k l of the lines, one after the other"
        for k in (1, 2)
        for which in ("", "_conventional")
    },
}


def _schema():
    kinds = {name: pa.string() for name in (*_STRINGS, "centring_reindexed", "reindex_op")}
    kinds |= {
        "sg_number": pa.int16(),
        "unique_axis": pa.int8(),
        "year": pa.int16(),
        "r_factor": pa.float64(),
        "n_atoms": pa.float64(),
    }
    kinds |= {"operations_reindexed": pa.list_(pa.string())}
    for cell, volume in _CELLS.items():
        kinds |= {cell: pa.list_(pa.float64()), volume: pa.float64()}
    kinds |= {
        name: pa.list_(pa.int16() if name.startswith("hkl") else pa.float64()) for name in _LISTS
    }
    return pa.schema(
        [
            pa.field(name, kind, metadata={"unit": UNITS[name]} if name in UNITS else None)
            for name, kind in kinds.items()
        ]
    )


SCHEMA = _schema()


def row(entry, two_theta_max=FORWARD.two_theta_max, wavelength=WRITEUP_WAVELENGTH):
    """Return an entry's row of the dataset and its pattern, ``(dict, ndarray)``.

    Parameters
    ----------
    entry : ddi.data.entry.Entry
        Accepted by quality control.
    two_theta_max, wavelength : float
        Degrees and A.
    """
    setting = settings.reindex(entry.cell, entry.operations)
    simulated = powder.simulate(
        setting.cell,
        setting.operations,
        entry.elements,
        setting.move(entry.xyz),
        entry.occupancy,
        entry.b_iso,
        two_theta_max=two_theta_max,
        wavelength=wavelength,
    )
    cells = {
        "cell_conventional": np.asarray(entry.cell, dtype=float),
        "cell": setting.cell,
        "cell_niggli": lattice.reduced_cell(setting.cell, setting.centring),
    }
    values = {
        name: getattr(entry, name)
        for name in ("identifier", "source", "name", "formula", "sg_symbol", "r_factor", "year")
    }
    values |= {
        "sg_number": setting.number,
        "sg_symbol_reindexed": setting.symbol,
        "bravais": setting.bravais,
        "lattice_system": setting.system,
        "centring_reindexed": setting.centring,
        "unique_axis": setting.unique_axis,
        "n_atoms": float(sum(entry.composition.values())),
        "reindex_op": setting.op,
        "operations_reindexed": list(setting.operations),
        **cells,
        **{_CELLS[name]: float(lattice.volume(cell)) for name, cell in cells.items()},
    }
    values |= _peak_list(1, simulated, np.arange(min(FORWARD.n_lines, len(simulated.q2))), setting)
    values |= _peak_list(2, simulated, simulated.observed, setting)
    return values, simulated.pattern.astype(np.float16)


def _peak_list(k, simulated, chosen, setting):
    hkl = simulated.hkl[chosen]
    return {
        f"q2_{k}": simulated.q2[chosen],
        f"intensity_{k}": simulated.intensity[chosen],
        f"hkl_{k}": hkl.ravel(),
        f"hkl_conventional_{k}": setting.to_conventional(hkl).ravel(),
    }


def build(entries, path, *, sources="", n_jobs=1, cluster=None, **options):
    """Simulate every entry and write the dataset and, beside it, ``patterns.npy``.

    Entries without a single line in peak list 1 are left out. Row i of the patterns, float16 and
    NaN where a large cell was not simulated, belongs to row i of the dataset.

    Parameters
    ----------
    entries : sequence of ddi.data.entry.Entry
    path : Path
        The parquet file to write.
    sources : str
        What identifies the input, kept in the file; a hash.
    n_jobs, cluster
        As in `ddi.base.parallel.map_parallel`.
    **options
        ``two_theta_max`` and ``wavelength`` of `row`.

    Returns
    -------
    int
        How many rows were written.
    """
    path = Path(path)
    folder = path.with_suffix(".chunks")
    folder.mkdir(parents=True, exist_ok=True)
    chunks = [entries[start : start + CHUNK] for start in range(0, len(entries), CHUNK)]
    tasks = [(folder / f"{_key(chunk, options)}.part", chunk, options) for chunk in chunks]
    missing = [task for task in tasks if not task[0].exists()]
    map_parallel(_build_chunk, missing, n_jobs=n_jobs, desc="simulating patterns", cluster=cluster)
    parts = [pickle.loads(task[0].read_bytes()) for task in tasks]
    table = pa.concat_tables([part for part, _ in parts]) if parts else SCHEMA.empty_table()
    about = {
        "units": json.dumps(UNITS),
        "ddi": ddi.__version__,
        "sources": sources,
        "options": json.dumps(options),
    }
    patterns = [patterns for _, patterns in parts] or [np.empty((0, 0), np.float16)]
    with atomic(path.with_name("patterns.npy")) as temporary:
        np.save(temporary, np.concatenate(patterns))
    with atomic(path) as temporary:
        pq.write_table(table.replace_schema_metadata(about), temporary, compression="zstd")
    shutil.rmtree(folder)
    return len(table)


def _key(chunk, options):
    """Hash of the entries, the options and the code that decide what a chunk holds."""
    modules = (constants, lattice, powder, scattering, settings, systems)
    files = [module.__file__ for module in modules] + [__file__]
    code = b"".join(Path(file).read_bytes() for file in files)
    facts = [
        [
            value.tobytes() if isinstance(value, np.ndarray) else value
            for value in vars(entry).values()
        ]
        for entry in chunk
    ]
    return hashlib.sha256(code + repr((facts, sorted(options.items()))).encode()).hexdigest()[:24]


def _build_chunk(task):
    path, entries, options = task
    rows = [row(entry, **options) for entry in entries]
    rows = [(values, pattern) for values, pattern in rows if len(values["q2_1"])]
    columns = {name: [values[name] for values, _ in rows] for name in SCHEMA.names}
    points = round(options.get("two_theta_max", FORWARD.two_theta_max) / FORWARD.step) + 1
    patterns = np.array([pattern for _, pattern in rows], dtype=np.float16).reshape(-1, points)
    with atomic(path) as temporary:
        temporary.write_bytes(pickle.dumps((pa.table(columns, schema=SCHEMA), patterns)))


def _read(path, notebook, columns=None):
    if not path.exists():
        raise DDIError(
            f"{path} does not exist; run notebook {notebook} first: "
            f"python -m ddi study --only {notebook}"
        )
    return pq.read_table(path, columns=columns).to_pandas()


def load(study, columns=None):
    """Return the dataset of a profile as a DataFrame; list columns hold arrays.

    Parameters
    ----------
    study : ddi.base.paths.Study
    columns : list of str, optional
        Only these; all by default.
    """
    return _read(study.interim / "dataset.parquet", "02", columns)


def stack(series, n, width=None):
    """Return the first n entries of every row of a list column as one array.

    Parameters
    ----------
    series : pandas.Series
        Of sequences, e.g. ``q2_2`` or, with width 3, ``hkl_2``.
    n : int
        Peaks to take; every row must have as many.
    width : int, optional
        Numbers a peak.

    Returns
    -------
    ndarray of float, shape (rows, n) or (rows, n, width)
    """
    shape = (n,) if width is None else (n, width)
    size = n * (width or 1)
    short = sum(len(values) < size for values in series)
    if short:
        raise DDIError(
            f"{short} rows of '{series.name}' have fewer than {n} peaks; "
            "keep the longer ones before stacking"
        )
    return np.array([values[:size] for values in series], dtype=float).reshape(len(series), *shape)


_TRAINING = ["identifier", "parent", "augmented", "group", "bravais", "unique_axis", "cell", "q2"]


def training(study, system):
    """Return the training rows of one lattice system, real and augmented, that have as many peaks
    as the models read.

    Parameters
    ----------
    study : ddi.base.paths.Study
    system : str
        One of `ddi.forward.lattice.SYSTEMS`.

    Returns
    -------
    DataFrame
        Columns identifier, parent, augmented, group, bravais, unique_axis, cell (arrays (6,)), q2
        (arrays, A^-2).
    """
    frame = _read(
        study.interim / "augmented.parquet", "04", [*_TRAINING, "lattice_system", "split"]
    )
    return _enough(frame[frame.split == "train"], system)


def test(study, system):
    """Return the test rows of one lattice system, never augmented, with the columns of `training`;
    q2 is peak list 2.
    """
    rows = load(
        study, ["identifier", "lattice_system", "bravais", "unique_axis", "cell", "q2_2"]
    ).rename(columns={"q2_2": "q2"})
    groups = _read(study.interim / "groups.parquet", "03", ["identifier", "group", "split"])
    frame = rows.merge(groups[groups.split == "test"], on="identifier").assign(augmented=False)
    return _enough(frame.assign(parent=frame.identifier), system)


test.__test__ = False  # not a test, whatever pytest thinks


def _enough(frame, system):
    enough = (frame.lattice_system == system) & (frame.q2.map(len) >= lattice.N_PEAKS[system])
    return frame.loc[enough, _TRAINING].reset_index(drop=True)
