"""A second phase: peaks that a convincing first cell leaves are a pattern of their own.

Where a measured pattern is there, what the first cell's lines make of it is taken off and peaks are
picked from what is left, so that weak lines beside strong ones are found as well. Otherwise the
peaks of the list that no line of the cell explains are searched.
"""

from dataclasses import replace

import numpy as np

from ddi.base.errors import DDIError
from ddi.forward import lattice, relations
from ddi.forward.bragg import moved, q2_of, q2_slope, two_theta
from ddi.index.comparison import cell_of
from ddi.index.constants import PHASES


def left(result, peaks=None):
    """Return the peaks that the first cell leaves, if they are enough for a cell of their own.

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
    if not result.convinces:
        return None
    peaks = peaks or result.peaks
    unexplained = ~replace(result, peaks=peaks).hkl(1).indexed.to_numpy()
    if unexplained.sum() < PHASES.least:
        return None
    if peaks.pattern is None:
        rest = _listed(peaks, unexplained)
    else:
        rest = _picked(peaks, result.cells.iloc[0], unexplained)
    return rest if rest is not None and len(rest) >= PHASES.least else None


def _listed(peaks, chosen):
    """Those of the peaks that are chosen."""
    take = {
        name: None if getattr(peaks, name) is None else getattr(peaks, name)[chosen]
        for name in ("q2", "sigma_q2", "intensity")
    }
    return replace(peaks, **take, pattern=None, faint=None, source=_said(chosen.sum(), peaks))


def _picked(peaks, row, unexplained):
    """The peaks of the pattern without the lines of a cell, which is fitted beside the peaks that
    it does not explain; None without any.
    """
    from ddi.index import picking

    doublet = peaks.radiation == "xray"
    prepared = picking.prepare(*peaks.pattern, peaks.wavelength, doublet)
    others = np.append(peaks.q2[unexplained], peaks.left_out)
    try:
        fit = _fitted(prepared, peaks.wavelength, row, np.sort(two_theta(others, peaks.wavelength)))
        rest = _without(prepared, fit)
        strong = picking.strong(rest)
    except DDIError:
        return None
    strong = strong.take(_is_new(strong, fit, prepared.tube, peaks))
    if len(strong.two_theta) < PHASES.least:
        return None
    weak = picking.faint(rest, strong.two_theta)
    angles, sigma = (
        np.concatenate([getattr(part, name) for part in (strong, weak)])
        for name in ("two_theta", "sigma")
    )
    q2 = q2_of(angles, peaks.wavelength)
    sigma_q2 = sigma * q2_slope(q2, peaks.wavelength)
    n = len(strong.two_theta)
    return replace(
        peaks,
        q2=q2[:n],
        sigma_q2=sigma_q2[:n],
        intensity=strong.height,
        faint=np.array([q2[n:], sigma_q2[n:], weak.spurious]),
        pattern=(rest.flat.x, rest.flat.y),
        source=_said(n, peaks),
    )


def _fitted(prepared, wavelength, row, others):
    """The whole-pattern fit of a cell beside other lines, degrees 2theta."""
    from ddi.index import profile

    x = lattice.cell_to_x(cell_of(row))
    end = profile.last_angle(prepared, wavelength, [(row.bravais, x)])
    others = others[others < end]
    return profile.fit(
        prepared, wavelength, row.bravais, x, row.zero_shift, end=end, foreign=others
    )


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
    reach = lines.fwhm
    low, high = (np.searchsorted(fit.two_theta, lines.two_theta + sign * reach) for sign in (-1, 1))
    beside = np.array([fit.of_cell[a : b + 1].max(initial=0) for a, b in zip(low, high)])
    return lines.height > PHASES.stands_out * beside


def _is_beta(lines, fit, tube):
    """Say which lines are K-beta companions of the cell's lines."""
    if tube is None:
        return np.zeros(len(lines.two_theta), dtype=bool)
    place = moved(fit.lines.two_theta, tube.beta / tube.alpha1)
    height = np.interp(fit.lines.two_theta, fit.two_theta, fit.of_cell)
    near = np.abs(lines.two_theta[:, None] - place) < np.maximum(0.6 * lines.fwhm[:, None], 0.05)
    return (near & (lines.height[:, None] < PHASES.beta * height)).any(axis=1)


def _said(n, peaks):
    return f"{n} peaks that the first cell of {peaks.source.split(':')[0]} leaves"


def complete(first, solve, solve_first=None):
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
        where the cell found for them is a relative of the first one. Of two that convince the one
        that explains more intensity is first.
    """
    rest = left(first)
    if rest is None:
        return first
    second = solve(rest)
    seconds = first.seconds + second.seconds
    if not second.convinces:
        return replace(first, second=second, seconds=seconds)
    if not is_another(second, first):
        return first
    alone = left(second, first.peaks)
    again = (solve_first or solve)(alone) if alone is not None else None
    seconds += again.seconds if again else 0.0
    if not again or not again.convinces or not is_another(again, second):
        return replace(first, second=second, seconds=seconds)
    main, other = (again, second) if explained(again) >= explained(second) else (second, again)
    return replace(first, cells=main.cells, fits=main.fits, second=other, seconds=seconds)


def explained(result):
    """Return the intensity that the first cell of a result explains: of the whole pattern if it was
    fitted, else of the peaks; 0 where no intensity is known.
    """
    if result.fits and result.fits[0] is not None:
        return float(result.fits[0].of_cell.sum())
    if result.peaks.intensity is None:
        return 0.0
    return float(result.peaks.intensity[result.hkl(1).indexed.to_numpy()].sum())


def is_another(second, first):
    """Say whether the second cell is more than a relative of the first: neither the same lattice
    nor a sub- or supercell of it.
    """
    if not len(second.cells):
        return False
    cells = [
        (cell_of(row), lattice.BRAVAIS[row.bravais][1])
        for row in (second.cells.iloc[0], first.cells.iloc[0])
    ]
    return relations.explain(*cells[0], *cells[1])[0] == "wrong"
