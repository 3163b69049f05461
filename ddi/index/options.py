"""Arguments of ``ddi index`` that say what is known about a sample, and which of all arguments go
on to the search; nothing heavy is imported.
"""

KNOWN = ("foreign", "without", "like", "formula", "z", "density", "zero_fixed")
READ = ("unit", "wavelength", "radiation", "max_bytes")
SEARCHED = ("n_peaks", "max_volume", "time", "zero_shift", "n_jobs", "seed")
"""As the arguments are called in Python: `ddi.index.index_peaks`."""


def add_known(group):
    """Add what users know of their sample to a group of an argparse parser."""
    group.add_argument(
        "--foreign",
        type=int,
        metavar="N",
        help="how many of the first peaks may belong to no line (about one by default)",
    )
    group.add_argument(
        "--without",
        action="append",
        metavar="FILE|CELL",
        help="leave out lines of something known: a list of its peaks, its structure (.cif) or its "
        "cell, '5.4309 5.4309 5.4309 90 90 90 F' or 'cF 5.4309'; may be repeated",
    )
    group.add_argument(
        "--like",
        action="append",
        metavar="CELL|CIF",
        help="also start from the cell of an isostructural compound; may be repeated",
    )
    group.add_argument(
        "--formula",
        metavar="TEXT",
        help="'Ba S O4', 'CaSO4.2H2O': raises cells of a likely volume, excludes none",
    )
    group.add_argument(
        "--z", type=float, metavar="N", help="formula units in the conventional cell, if known"
    )
    group.add_argument(
        "--density", type=float, metavar="G", help="measured, in g/cm^3, with --formula"
    )


def chosen(args):
    """Return what was said of file, search and sample, as keywords of `index_peaks`; what was not
    said is left to its defaults.
    """
    given = {name: getattr(args, name, None) for name in (*READ, *SEARCHED, *KNOWN)}
    return {name: value for name, value in given.items() if value is not None}
