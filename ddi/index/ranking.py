"""One ranked list over all lattices: candidates are refined, judged (`ddi.index.score`), compared
with their sub- and supercells, and put in one order with a probability each.
"""

import numpy as np

from ddi.forward import bragg, fom, lattice
from ddi.forward.lines import KINDS, distinct_lines, nearest_line
from ddi.index import confidence, rows, score, screening
from ddi.index.candidates import Candidate, Judged
from ddi.index.constants import RANKING, SEARCH
from ddi.index.kinship import best_first, distinct, families
from ddi.index.proposals import first_of_each

COLUMNS = (
    "rank score probability bravais cell volume M20 F20 n_indexed n_peaks zero_shift family symbol"
    " n_lines source paired hkl q2_calc"
).split()


def refined(peaks, found_x, found_zero, bravais, zero, n_peaks=None):
    """Return x and zero shifts, refined against all peaks or the first so many."""
    first = slice(n_peaks)
    x = found_x.copy()
    shifts = found_zero.copy()
    screening.refine(
        x,
        shifts,
        KINDS[bravais],
        peaks.q2[first],
        peaks.slope[first],
        peaks.sigma[first],
        zero.mean,
        zero.sigma,
        np.array(RANKING.widths),
    )
    return x, shifts


def shortlist(peaks, found, zero, limits=RANKING.usual):
    """Refine the best of one lattice's candidates against all peaks and return the distinct ones.

    Parameters
    ----------
    peaks : ddi.index.observed.Peaks
    found : Found
    zero : ddi.index.observed.Zero
    limits : ddi.index.constants.Shortlist

    Returns
    -------
    list of Candidate
    """
    ahead = found.zero * peaks.slope[0] < peaks.q2[0]  # no shift takes a peak beyond the beam
    good = np.flatnonzero(lattice.is_positive(found.x) & ahead)
    scores, _ = score.plain_scores(
        peaks, found.bravais, found.x[good], found.zero[good], peaks.n_search
    )
    falling = np.argsort(-scores, kind="stable")
    if limits.first_peaks:
        falling = falling[first_of_each(scores[falling], found.x[good[falling]])]
    best = good[falling[: limits.n_refined]]
    x = found.x[best]
    shifts = found.zero[best]
    if limits.first_peaks:
        x, shifts = refined(peaks, x, shifts, found.bravais, zero, limits.first_peaks)
    x, shifts = refined(peaks, x, shifts, found.bravais, zero)
    good = lattice.is_positive(x) & (shifts * peaks.slope[0] < peaks.q2[0])
    x = x[good]
    shifts = shifts[good]
    sources = np.asarray(found.source)[best[good]]
    scores, counts = score.plain_scores(peaks, found.bravais, x, shifts, len(peaks.q2))
    volumes = lattice.volume(lattice.x_to_cell(x))
    points = lattice.POINTS[lattice.BRAVAIS[found.bravais][1]]
    scores = scores + peaks.told(found.bravais, volumes / points)
    marks = np.column_stack([np.log(volumes), scores, counts]) / RANKING.same
    kept = []
    for i in np.argsort(-scores, kind="stable"):
        if (np.abs(marks[i] - marks[kept]) > 1).any(axis=1).all():
            kept.append(i)
        if len(kept) == limits.n_per_lattice:
            break
    return [Candidate(found.bravais, x[i], shifts[i], scores[i], sources[i]) for i in kept]


def order(peaks, candidates):
    """Judge the likeliest of the candidates of all lattices, once each, and return them best first,
    a lattice once.

    Parameters
    ----------
    peaks : ddi.index.observed.Peaks
    candidates : list of Candidate
        `Judged` ones stay as they are.

    Returns
    -------
    list of Judged
    """
    n = RANKING.usual.n_judged
    return distinct(best_first(likeliest_judged(peaks, candidates, n)[:n]))


def likeliest_judged(peaks, candidates, n_judged=RANKING.usual.n_judged):
    """Return the candidates of all lattices, likeliest first; the first n_judged are judged."""
    falling = sorted(candidates, key=lambda candidate: -candidate.plain)
    first = [judged(peaks, candidate) for candidate in falling[:n_judged]]
    return first + falling[n_judged:]


def judged(peaks, candidate):
    """Return the `Judged` candidate, as it is if it is one."""
    if isinstance(candidate, Judged):
        return candidate
    c = candidate
    found = score.judge(peaks, c.bravais, c.x, c.zero)
    cell = lattice.x_to_cell(c.x)
    reduced = lattice.reduced_cell(cell, lattice.BRAVAIS[c.bravais][1])
    volume = lattice.volume(reduced)
    found = found._replace(score=found.score + float(peaks.told(c.bravais, volume)))
    return Judged(c.bravais, c.x, c.zero, c.plain, c.source, *found, cell, reduced, volume)


def judged_anew(peaks, ordered, zero):
    """Return the first of another search's judged candidates as the ordinary search would have
    them: what was found where many peaks may be foreign can be a cell that hardly leaves one.
    """
    anew = []
    for row in ordered[: RANKING.n_anew]:
        x, shifts = refined(peaks, row.x[None], np.array([row.zero]), row.bravais, zero)
        if lattice.is_positive(x)[0]:
            anew.append(Candidate(row.bravais, x[0], shifts[0], row.plain, row.source))
    return [judged(peaks, candidate) for candidate in anew]


def is_beyond_doubt(peaks, ordered):
    """Say whether the first is certain and explains every one of at least `min_certain` peaks."""
    if not ordered or len(peaks.q2) < RANKING.min_certain:
        return False
    given = confidence.calibration(peaks.whole)
    certain = given._replace(doubt=0.0, null_temperature=given.temperature)
    chances = confidence.probabilities([row.score for row in ordered], certain)
    if chances[0] < RANKING.beyond_doubt:
        return False
    return bool(_figures(peaks, ordered[0])["hkl"].any(axis=1).all())


def listed(peaks, ordered, n_best=50):
    """Return judged candidates as a ranked list.

    Parameters
    ----------
    peaks : ddi.index.observed.Peaks
    ordered : list of Judged
    n_best : int

    Returns
    -------
    list of ddi.index.rows.Row
        rank (from 1), score, probability, bravais, cell (6; conventional, hexagonal axes for hR),
        volume (A^3), M20, F20, n_indexed and n_peaks (of the peaks that search), zero_shift
        (degrees), family (the rank of its best member), symbol (likeliest extinction symbol),
        n_lines, source, paired, hkl (n, 3) and q2_calc (n,) of all peaks used.
    """
    chances = _chances(peaks, ordered)
    best = ordered[:n_best]
    names = ("score", "bravais", "cell", "symbol", "n_lines", "source", "paired")
    found = []
    for k, (row, chance, family) in enumerate(zip(best, chances, families(best)), 1):
        figures = _figures(peaks, row)
        likely = doubted(len(peaks.q2), row, chance, figures["M20"])
        about = {name: getattr(row, name) for name in names}
        found.append(rows.Row(about | figures, rank=k, probability=likely, family=family))
    return found


def table(peaks, ordered, n_best=50):
    """Return judged candidates as a DataFrame, one row a cell of `listed`."""
    return rows.table(listed(peaks, ordered, n_best), COLUMNS)


def _chances(peaks, ordered):
    """Probabilities of the ordered candidates before doubt. "None of these" stands at the score
    that lists without a lattice reach in the system of the first, where that is lower than usual
    and it explains every peak that searches.
    """
    given = confidence.calibration(peaks.whole)
    certain = ordered and len(peaks.q2) >= RANKING.min_certain
    if certain and _figures(peaks, ordered[0])["n_indexed"] == peaks.n_search:
        by_chance = dict(RANKING.by_chance).get(KINDS[ordered[0].bravais].system, given.null)
        given = given._replace(null=min(given.null, by_chance))
    return confidence.probabilities([row.score for row in ordered], given)


def doubted(n_peaks, row, chance, merit):
    """Return the probability of a cell, at most `most_doubtful` where it cannot be likely: it has
    fewer lines than there are peaks, or its M20 is that of a cell found by accident; not if another
    phase has its share of the peaks.
    """
    if row.paired:
        return chance
    accidental = row.n_lines < n_peaks or merit < RANKING.least_merit
    return min(chance, RANKING.most_doubtful) if accidental else chance


def first_chance(peaks, ordered):
    """Return the probability of the first of the ordered candidates; 0 without any."""
    if not ordered:
        return 0.0
    chance = _chances(peaks, ordered)[0]
    return doubted(len(peaks.q2), ordered[0], chance, _figures(peaks, ordered[0])["M20"])


def convinces(peaks, ordered):
    """Say whether the first of the ordered candidates is likelier than not."""
    return first_chance(peaks, ordered) > SEARCH.convincing


def leaves_many(peaks, ordered):
    """Say whether the first of the ordered candidates does not convince or leaves so many of the
    peaks that search that another phase may be there; fewer where it is not quite likely.
    """
    chance = first_chance(peaks, ordered)
    if not chance > SEARCH.convincing:
        return True
    figures = _figures(peaks, ordered[0])
    left = figures["n_peaks"] - figures["n_indexed"]
    return left >= (SEARCH.few_left if chance < SEARCH.likely else SEARCH.many_left)


def _figures(peaks, row):
    """What a candidate says about the peaks: fields of `listed`."""
    n = peaks.n_search
    q2 = peaks.q2 - row.zero * peaks.slope
    hkl, lines = distinct_lines(row.x, row.bravais, 1.1 * q2[-1])
    nearest = nearest_line(q2, lines)
    miss = np.abs(q2 - lines[nearest])
    wavelength = peaks.wavelength or bragg.wavelength_reaching(q2[-1])
    indexed = miss < RANKING.indexed_sigmas * peaks.sigma
    return dict(
        volume=lattice.volume(row.cell),
        M20=float(fom.m20(q2[:n], lines)),
        F20=float(fom.f_n(q2[:n], lines, wavelength)),
        n_indexed=int(indexed[:n].sum()),
        n_peaks=n,
        zero_shift=float(row.zero),
        hkl=np.where(indexed[:, None], hkl[nearest], 0),
        q2_calc=lines[nearest],
    )
