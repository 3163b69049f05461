"""Arguments of ``ddi index`` that say what is known about a sample; nothing heavy is imported."""

NAMES = ("foreign", "without", "like", "formula", "z", "density", "zero_fixed")
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
    """Return what was said of the sample, as keywords of `index_peaks`."""
    given = {name: getattr(args, name, None) for name in NAMES}
    return {name: value for name, value in given.items() if value not in (None, False)}
