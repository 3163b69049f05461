"""What people see of a result: the table of cells, folded by families of lattices, on the terminal
and in a notebook.
"""

import html as markup
import itertools
import math
from fractions import Fraction

import numpy as np

from ddi.forward import lattice, relations
from ddi.forward.lines import KINDS
from ddi.index import confidence, rows, setting

CELL_COLUMNS = ["a", "b", "c", "alpha", "beta", "gamma"]
WIDE = 120  # characters from which the table has all columns
NARROW = 80  # what it needs at least
# relative errors, least and most, within which a metric is said to have more symmetry; chosen
METRIC_ERRORS = (0.0005, 0.003)
# `ddi.index.kinship.families` relates the first ten cells only; what comes later is no family of
# its own
RELATED = 10
_LEFT = ("lattice", "a b c / Å, free angles / °", "extinction")


def fold(cells, n_families=5, n_relatives=4):
    """Gather cells by families: the best of each, in their order, and below it its sub- and
    supercells.

    Parameters
    ----------
    cells : DataFrame
        `ddi.index.result.Result.cells`, best first.
    n_families, n_relatives : int
        Families shown, and relatives shown of each.

    Returns
    -------
    DataFrame
        The rows of `cells` that are shown, with relation ("" for the head of a family, else the
        volume of the primitive cell over the head's, such as "×2" or "×1/3"), members (of the whole
        family) and together (the sum of their probabilities).
    """
    columns = [*cells.columns, "relation", "members", "together"]
    return rows.table(folded(rows.of(cells), n_families, n_relatives), columns)


def folded(ranked, n_families=5, n_relatives=4):
    """Return what `fold` returns of rows, as a list of `ddi.index.rows.Row`."""
    families = {}
    for row in ranked:
        families.setdefault(row.family, []).append(row)
    heads = [family for family in families if family <= RELATED][:n_families]
    shown = []
    for family in sorted(heads):
        members = families[family]
        told = dict(members=len(members), together=math.fsum(row.probability for row in members))
        for row in members[: n_relatives + 1]:
            ratio = _primitive_volume(row) / _primitive_volume(ranked[family - 1])
            relation = "" if row["rank"] == family else _relation(ratio)
            shown.append(row.but(relation=relation, **told))
    return shown


def _primitive_volume(row):
    return row.volume / lattice.POINTS[lattice.BRAVAIS[row.bravais][1]]


def _relation(ratio):
    """A ratio of volumes as a simple fraction: two subcells of one lattice may stand as 3 to 2."""
    return f"×{Fraction(float(ratio)).limit_denominator(4)}"


def write(result, n_families=5, n_relatives=4, console=None):
    """Print notes, table and answer; 80 columns are enough, 120 show more figures.

    Text that was read from outside is never taken for markup.
    """
    from rich.console import Console

    console = console or Console()
    if console.width < NARROW:
        console = Console(file=console.file, width=NARROW)

    def say(text):
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    for warning in result.peaks.warnings:
        say(f"note: {warning}")
    say(result.peaks.source)
    if result.rows:
        console.print(table(result, n_families, n_relatives, wide=console.width >= WIDE))
        if console.width < WIDE:
            say(_first_in_words(result))
    for note in result.notes:
        say(note)
    say(f"{result.message} ({result.seconds:.1f} s)")
    if result.second is not None:
        say(second_in_words(result))
        if result.second.convinces:
            console.print(table(result.second, 1, n_relatives, wide=console.width >= WIDE))


def second_in_words(result):
    """Return a sentence on the peaks that the first cell leaves, and the cell found for them."""
    second = result.second
    n_left = len(second.peaks)
    if second.convinces:
        return f"Second phase, from {n_left} peaks that this cell leaves: {second.message}"
    return (
        f"note: this cell leaves {n_left} peaks, and no second cell convinces for them: more than "
        "one other phase, or a larger cell."
    )


def answer(result):
    """Return the answer in a sentence; where nothing convinces, the best cell's shortfall and the
    limits in force.
    """
    if result.one_length is not None:
        return result.one_length.said
    limits = ", ".join(
        f"{name} {value}" for name, value in result.limits.items() if value is not None
    )
    if not result.rows:
        return f"No cell was found within the limits in force: {limits}."
    best = result.rows[0]
    cell = cell_in_words(best)
    family = confidence.of_family(result.rows)
    more = ""
    if family > best.probability + 0.01:
        more = f" ({family:.2f} with its sub- and supercells)"
    figures = (
        f"indexes {best.n_indexed} of {best.n_peaks} peaks with M20 = {best.M20:.1f}, "
        f"probability {best.probability:.2f}{more}"
    )
    if result.convinces:
        return f"The cell is {cell}: it {figures}.{metric_in_words(best)}"
    lines = result.lines(1)
    first = slice(result.limits.get("n_peaks"))
    missed = lines["d_obs"][first][~lines["indexed"][first]]
    left = ", ".join(f"{d:.4f}" for d in missed) or "none"
    return (
        f"No cell convinces. The best one, {cell}, {figures}; not indexed: d = {left} A. "
        f"Limits in force: {limits}."
    )


def table(result, n_families=5, n_relatives=4, wide=True):
    """Return the folded cells as a `rich.table.Table`: heads of families in bold, relatives
    indented below them.
    """
    from rich import box
    from rich.table import Table

    shown = folded(result.rows, n_families, n_relatives)
    grid = Table(header_style="bold", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    grid.padding = (0, 1, 0, 0)
    for heading in row_texts(shown[0], wide):
        grid.add_column(heading, justify="left" if heading in _LEFT else "right", no_wrap=True)
    for _, family in itertools.groupby(shown, lambda row: row.family):
        relatives = list(family)
        for row in relatives:
            grid.add_row(*row_texts(row, wide).values(), style="dim" if row.relation else "bold")
        hidden = relatives[0].members - len(relatives)
        if hidden:
            grid.add_row("", "", f"└ {hidden} more", style="dim")
    return grid


def row_texts(row, wide=True):
    """Return what the table says of a row of `fold`: heading -> text."""
    texts = {
        "#": str(row["rank"]),
        "prob": f"{row.probability:.2f}",
        "lattice": f"└ {row.bravais} {row.relation}" if row.relation else row.bravais,
        "a b c / Å, free angles / °": _cell_text(row, 4 if wide else 3),
        "V/Å³": f"{row.volume:.{1 if wide else 0}f}",
        "M20": f"{row.M20:.1f}",
        "peaks": f"{row.n_indexed}/{row.n_peaks}",
    }
    if wide:
        texts |= {
            "F20": _or_dash(row.F20, ".1f"),
            "zero / °": _or_dash(row.zero_shift, "+.3f"),
            "extinction": (row.extinction_symbols or [""])[0],
        }
    return texts


def _cell_text(row, digits):
    lengths = " ".join(f"{row[name]:{digits + 3}.{digits}f}" for name in "abc")
    angles = [name for name in _free(row) if name not in "abc"]
    return " ".join([lengths, *(f"{row[name]:6.2f}" for name in angles)])


def _free(row):
    """Names of the cell parameters that the axes of a row leave free."""
    return [CELL_COLUMNS[k] for k in lattice.SYSTEM[KINDS[row.bravais].system].free]


def _or_dash(value, form):
    return "-" if np.isnan(value) else format(value, form)


def _first_in_words(result):
    """What the narrow table leaves out of its first row."""
    row = result.rows[0]
    words = []
    if np.isfinite(row.zero_shift):
        zero = setting.with_su(row.zero_shift, row.zero_shift_su, 3)
        words.append(f"zero shift {zero} deg")
    if np.isfinite(row.F20):
        words.append(f"F20 = {row.F20:.1f}")
    symbols = ", ".join(row.extinction_symbols) or "not known"
    return "First cell: " + ", ".join([*words, f"extinction symbols {symbols}"])


def html(result):
    """Return the first ten cells and the answer as HTML, for a notebook."""
    cells = [
        {
            "#": row["rank"],
            "probability": f"{row.probability:.2f}",
            "lattice": row.bravais,
            **{
                name: setting.with_su(row[name], row[f"{name}_su"], 4 if name in "abc" else 2)
                for name in CELL_COLUMNS
            },
            "V / Å³": setting.with_su(row.volume, row.volume_su, 1),
            "M20": f"{row.M20:.1f}",
            "indexed": f"{row.n_indexed}/{row.n_peaks}",
            "zero / °": _or_dash(row.zero_shift, "+.3f"),
            "extinction": ", ".join(row.extinction_symbols),
        }
        for row in result.rows[:10]
    ]
    body = "".join(f"<tr>{_tagged('td', row.values())}</tr>" for row in cells)
    head = f"<thead><tr>{_tagged('th', cells[0])}</tr></thead>" if cells else ""
    said = [*(f"note: {text}" for text in result.peaks.warnings), *result.notes, result.message]
    said += [second_in_words(result)] if result.second is not None else []
    return f"<table>{head}<tbody>{body}</tbody></table>{_tagged('p', said)}"


def _tagged(tag, values):
    return "".join(f"<{tag}>{markup.escape(str(value))}</{tag}>" for value in values)


def cell_in_words(row):
    """Return the lattice, its free cell parameters and the volume, each with its s.u."""
    words = [
        f"{name} = {_number(row, name, 4)} A"
        if name in "abc"
        else f"{name} = {_number(row, name, 3)} deg"
        for name in _free(row)
    ]
    return f"{row.bravais} {', '.join(words)}, V = {_number(row, 'volume', 1)} A^3"


def metric_in_words(row):
    """Return a sentence where the lengths and angles have a higher symmetry within three s.u. than
    the lattice that the lines ask for, otherwise nothing.
    """
    lengths = [row[f"{name}_su"] / row[name] for name in CELL_COLUMNS[:3]]
    angles = [np.radians(row[f"{name}_su"]) for name in CELL_COLUMNS[3:]]
    errors = np.nan_to_num([*lengths, *angles], nan=0.0)
    centring = lattice.BRAVAIS[row.bravais][1]
    reduced = lattice.reduced_cell(np.array([row[name] for name in CELL_COLUMNS]), centring)
    within = np.clip(3 * errors.max(), *METRIC_ERRORS)
    bravais, _ = relations.standard(reduced, float(within * reduced[:3].mean()))
    own, metric = (lattice.BRAVAIS[symbol][0] for symbol in (row.bravais, bravais))
    if len(lattice.SYSTEM[metric].free) >= len(lattice.SYSTEM[own].free):
        return ""
    return f" Within its errors the cell is {metric} ({bravais})."


def _number(row, name, digits):
    return setting.with_su(row[name], row[f"{name}_su"], digits)
