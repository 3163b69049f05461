"""A second phase: peaks that a convincing first cell leaves are a pattern of their own.

Where a measured pattern is there, what the first cell's lines make of it is taken off and peaks are
picked from what is left, so that weak lines beside strong ones are found as well. Otherwise the
peaks of the list that no line of the cell explains are searched.
"""

from dataclasses import replace

import numpy as np

from ddi.base.errors import DDIError
from ddi.forward import lattice, relations
from ddi.forward.bragg import q2_of, q2_slope, two_theta
from ddi.index import confidence, pairs
from ddi.index.comparison import cell_of, chosen
from ddi.index.pattern_constants import PHASES
from ddi.index.result import CONVINCING
from ddi.index.rows import reordered


def remaining(result, peaks=None):
    """Return the peaks that the first cell leaves, if they are enough for a cell of their own and
    the first cell or one of its sub- and supercells is likelier than not.

    Parameters
    ----------
    result : ddi.index.result.Result
    peaks : ddi.index.peaks.Peaks, optional
        Of which; those of the result if not given.

    Returns
    -------
    ddi.index.peaks.Peaks or None
        None where nothing convinces, or fewer than `least` peaks are left.
    """
    if confidence.of_family(result.rows) < CONVINCING:
        return None
    peaks = peaks or result.peaks
    unexplained = ~replace(result, peaks=peaks).lines(1)["indexed"]
    if unexplained.sum() < PHASES.least:
        return None
    if peaks.pattern is None:
        said = _source(unexplained.sum(), peaks)
        rest = chosen(peaks, unexplained, pattern=None, faint=None, source=said)
    else:
        rest = _picked(peaks, result.rows[0], unexplained)
    return rest if rest is not None and len(rest) >= PHASES.least else None


def _picked(peaks, row, unexplained):
    """The peaks of the pattern without the lines of a cell, which is fitted beside the peaks that
    it does not explain; None without any.
    """
    from ddi.index import picking, profile

    wavelength = peaks.wavelength
    prepared = profile.pattern_of(peaks)
    others = np.sort(two_theta(np.append(peaks.q2[unexplained], peaks.left_out), wavelength))
    x = lattice.cell_to_x(cell_of(row))
    try:
        fit = profile.fit(prepared, wavelength, row.bravais, x, row.zero_shift, foreign=others)
        rest = _without(prepared, fit)
        strong = picking.strong(rest)
    except DDIError:
        return None
    found = strong.two_theta
    strong = strong.take(_is_new(strong, fit, prepared.tube, peaks))
    if len(strong.two_theta) < PHASES.least:
        return None
    strong, hidden = _parted(strong, fit)
    weak = _weak(rest, found, fit)
    angles = np.concatenate([strong.two_theta, weak.two_theta, hidden.two_theta])
    sigma = np.concatenate([strong.sigma, weak.sigma, hidden.sigma])
    spurious = np.append(weak.spurious, np.full(len(hidden.two_theta), PHASES.doubt))
    q2 = q2_of(angles, wavelength)
    sigma_q2 = sigma * q2_slope(q2, wavelength)
    n = len(strong.two_theta)
    return replace(
        peaks,
        q2=q2[:n],
        sigma_q2=sigma_q2[:n],
        intensity=strong.height,
        faint=np.array([q2[n:], sigma_q2[n:], spurious]),
        pattern=(rest.flat.x, rest.flat.y),
        source=_source(n, peaks),
    )


def _parted(lines, fit):
    """Lines that search, and those so near lines of the cell that how the pattern shares its
    intensity among them is open; these search, too, where the others are too few for a cell.
    """
    reach = PHASES.hiding * lines.fwhm
    clear = lines.height > PHASES.hidden * _highest(fit, lines.two_theta, reach)
    if clear.sum() < PHASES.least:
        clear = np.ones(len(clear), dtype=bool)
    return lines.take(clear), lines.take(~clear)


def _weak(rest, found, fit):
    """Peaks of what is left that are too faint to search with, misfits of the cell left out."""
    from ddi.index import picking

    weak = picking.faint(rest, found)
    height = np.interp(weak.two_theta, rest.flat.x, rest.flat.y)
    beside = _highest(fit, weak.two_theta, fit.width(weak.two_theta))
    kept = height > PHASES.stands_out * beside
    return picking.Faint(*(array[kept] for array in weak))


def _without(prepared, fit):
    """The prepared pattern without the lines of a fitted cell."""
    flat = prepared.flat
    taken = np.interp(flat.x, fit.two_theta, fit.of_cell, left=0, right=0)
    noise = np.hypot(flat.noise, PHASES.misfit * taken)
    return prepared._replace(flat=flat._replace(y=flat.y - taken, noise=noise))


def _is_new(lines, fit, tube, peaks):
    """Say which lines are neither a misfit of the cell's nor their K-beta companions, nor of
    something known.
    """
    known = two_theta(peaks.left_out, peaks.wavelength)
    apart = (np.abs(lines.two_theta[:, None] - known) > lines.fwhm[:, None]).all(axis=1)
    return apart & _stands_out(lines, fit) & ~_is_beta(lines, fit, tube)


def _stands_out(lines, fit):
    """Say which lines are no misfit of a stronger line of the cell within a width."""
    return lines.height > PHASES.stands_out * _highest(fit, lines.two_theta, lines.fwhm)


def _highest(fit, angles, reach):
    """The highest of the cell's curve within a reach of each angle, degrees 2theta."""
    low, high = (np.searchsorted(fit.two_theta, angles + sign * reach) for sign in (-1, 1))
    return np.array([fit.of_cell[a : b + 1].max(initial=0) for a, b in zip(low, high)])


def _is_beta(lines, fit, tube):
    """Say which lines are K-beta companions of the cell's lines."""
    from ddi.index import symbols

    if tube is None:
        return np.zeros(len(lines.two_theta), dtype=bool)
    place = fit.lines.two_theta
    strong = np.interp(place, fit.two_theta, fit.of_cell), place
    weak = lines.height, lines.two_theta, lines.fwhm
    return symbols.companions(*weak, tube, (tube.beta,), strong)


def _source(n, peaks):
    return f"{n} peaks that the first cell of {peaks.source.split(':')[0]} leaves"


def with_second_phase(first, solve, solve_first=None):
    """Return the result with the second phase that its first cell leaves, if there is one.

    Parameters
    ----------
    first : ddi.index.result.Result
    solve : callable
        Makes a `Result` of `ddi.index.peaks.Peaks`.
    solve_first : callable, optional
        The same with what is known of the first phase.

    Returns
    -------
    ddi.index.result.Result
        With `second`, whether it convinces or not; without it where too few peaks are left, or
        where the cell found for them is a relative of the first one. A first cell that is not quite
        sure is searched again in what the second one leaves. Of two that convince the one that
        explains more intensity is first.
    """
    rest = remaining(first)
    if rest is None:
        return first
    second = _of_one_specimen(solve(rest), first)
    seconds = first.seconds + second.seconds
    another = is_another(second, first)
    if second.convinces and not another:
        return first
    alone = remaining(second, first.peaks) if another else None
    if alone is None:
        return replace(first, second=second, seconds=seconds)
    if first.rows[0].probability >= PHASES.sure:
        main = _fitted_again(first, alone)
    else:
        again = (solve_first or solve)(alone)
        seconds += again.seconds
        main = again if _is_better(again, first, second) else first
    other = second
    both = main is not first and main.convinces and second.convinces
    if both and explained(main) < explained(second):
        main, other = second, main
    return replace(first, rows=main.rows, fits=main.fits, second=other, seconds=seconds)


def _fitted_again(first, alone):
    """The first result of what the second phase leaves, its first cell fitted to that."""
    fits = first.fits
    if alone.pattern is not None:
        from ddi.index import profile

        row = first.rows[0]
        fitted = profile.of_peaks(alone, [(row.bravais, cell_of(row), row.zero_shift)])
        fits = (*fitted, *fits[1:])
    return replace(first, peaks=alone, fits=fits)


def _is_better(again, first, second):
    """Say whether the first cell found in what the second phase leaves takes the place of the one
    found before: if all convinces, or if it explains more of the pattern's peaks together with the
    second phase.
    """
    if not is_another(again, second):
        return False
    if again.convinces and second.convinces:
        return True
    rows = (one.rows[0] for one in (again, first, second))
    after, before, other = ((row.bravais, cell_of(row), row.zero_shift) for row in rows)
    return pairs.explained(first.peaks, after, other) > pairs.explained(first.peaks, before, other)


def _of_one_specimen(second, first):
    """The second result, counting that both phases have the zero shift of one specimen."""
    shifts = np.array([row.zero_shift for row in second.rows], dtype=float)
    apart = shifts - first.rows[0].zero_shift
    if not len(shifts) or not np.isfinite(apart).all():
        return second
    gain = -0.5 * (apart / PHASES.zero_apart) ** 2
    before = [row.probability for row in second.rows]
    given = confidence.calibration(second.peaks.faint is not None)
    chances = confidence.reweighted(before, np.maximum(gain, PHASES.least_gain), given)
    order = np.argsort(-chances, kind="stable")
    reweighted = [row.but(probability=chance) for row, chance in zip(second.rows, chances.tolist())]
    rows, fits = reordered(reweighted, second.fits, order)
    return replace(second, rows=rows, fits=tuple(fits))


def explained(result):
    """Return the intensity that the first cell of a result explains: of the whole pattern if it was
    fitted, else of the peaks; 0 where no intensity is known.
    """
    if result.fits and result.fits[0] is not None:
        return float(result.fits[0].of_cell.sum())
    if result.peaks.intensity is None:
        return 0.0
    return float(result.peaks.intensity[result.lines(1)["indexed"]].sum())


def is_another(second, first):
    """Say whether the second cell is more than a relative of the first: neither the same lattice
    nor a sub- or supercell of it.
    """
    if not second.rows:
        return False
    cells = [
        (cell_of(row), lattice.BRAVAIS[row.bravais][1]) for row in (second.rows[0], first.rows[0])
    ]
    return relations.explain(*cells[0], *cells[1])[0] == "wrong"
