"""Two phases scored together: pairs of cells against one, and what each leaves of the peaks."""

from dataclasses import replace

import numpy as np
import pytest

from ddi.forward import lattice, lines
from ddi.index import extinction, pairs, ranking, search
from ddi.index.candidates import Found
from ddi.index.observed import Zero, prepare
from ddi.index.peaks import Peaks

CUBIC = ("cP", [5.43, 5.43, 5.43, 90, 90, 90])
TETRAGONAL = ("tP", [4.66, 4.66, 7.58, 90, 90, 90])
ELSE = ("tP", [4.21, 4.21, 6.13, 90, 90, 90])


def lines_of(phase, last=0.42):
    _, q2 = lines.distinct_lines(lattice.cell_to_x(np.array(phase[1], float)), phase[0], last)
    return q2


def judged(peaks, phase):
    x = lattice.cell_to_x(np.array(phase[1], float))
    return ranking.judged(peaks, ranking.Candidate(phase[0], x, 0.0, 0.0, "test"))


@pytest.fixture(scope="module")
def mixture():
    q2 = np.concatenate([lines_of(CUBIC), lines_of(TETRAGONAL)])
    return prepare(np.unique(q2), wavelength=1.540593, n_peaks=20)


def test_the_right_pair_scores_above_each_alone_and_above_wrong_pairs(mixture):
    rows = [judged(mixture, phase) for phase in (CUBIC, TETRAGONAL, ELSE)]
    scores = pairs.pair_scores(mixture, rows)
    assert scores[0, 1] > max(row.score for row in rows) + 20
    assert scores[0, 1] > max(scores[0, 2], scores[1, 2]) + 10
    assert np.isneginf(scores[np.tril_indices(3)]).all()


def test_pair_score_is_the_sum_it_says(mixture):
    free = [
        replace(judged(mixture, phase), symbol=extinction.classes(phase[0])[0].symbol)
        for phase in (CUBIC, TETRAGONAL)
    ]
    a, b = (pairs.likelihood_ratios(mixture, row) for row in free)
    e = mixture.votes.spurious
    by_hand = [
        np.log((1 - e) * (share * a + (1 - share) * b) + e).sum() for share in pairs.PAIRS.shares
    ]
    prices = 5.0 * (1 + 2)  # log units, of the free cell parameters
    assert pairs.pair_scores(mixture, free)[0, 1] == pytest.approx(max(by_hand) - prices)


def test_leading_cell_gets_the_pair_and_its_partner_and_a_clean_list_no_pair(mixture):
    rows = [judged(mixture.crowded(), phase) for phase in (CUBIC, ELSE)]
    partner = judged(mixture, TETRAGONAL)
    found = pairs.raised(mixture, rows, [[partner]])
    assert found[0].paired and found[0].partner is partner and found[0].bravais == "cP"
    assert found[0].score > rows[0].score
    alone = prepare(lines_of(TETRAGONAL, 0.5), wavelength=1.540593, n_peaks=20)
    first = judged(alone, TETRAGONAL)
    kept = pairs.raised(alone, [first, judged(alone, ELSE)], [[judged(alone, CUBIC)]])
    assert kept[0].score == first.score and not kept[0].paired


def test_relatives_are_no_pair(mixture):
    doubled = ("tP", [5.43, 5.43, 10.86, 90, 90, 90])
    rows = [judged(mixture, CUBIC), judged(mixture, doubled)]
    assert not pairs.is_another(*rows)
    assert not any(row.paired for row in pairs.raised(mixture, rows))


def test_leftovers_are_the_other_phase(mixture):
    rest = list(pairs.leftovers(mixture, [judged(mixture, CUBIC), judged(mixture, TETRAGONAL)]))
    assert len(rest) == 2
    own = lines_of(TETRAGONAL)
    miss = np.abs(rest[0].q2[:, None] - own).min(axis=1)
    assert (miss < 1e-6).all() and len(rest[0].q2) > 0.6 * len(own)
    assert rest[0].n_search <= len(rest[0].q2) == len(rest[0].sigma) == len(rest[0].votes.q2)


def test_partner_lifts_the_doubt_about_few_lines():
    q2 = np.unique(np.concatenate([lines_of(CUBIC), lines_of(TETRAGONAL)]))
    peaks = prepare(q2, wavelength=1.540593, n_peaks=20)
    row = judged(peaks, CUBIC)
    assert ranking.doubted(len(q2), row, 0.99, 2.0) == 0.5
    with_partner = replace(row, partner=judged(peaks, TETRAGONAL))
    assert ranking.doubted(len(q2), with_partner, 0.99, 2.0) == 0.99


def test_few_unexplained_peaks_ask_for_another_phase_only_where_the_cell_is_doubtful(monkeypatch):
    q2 = lines_of(TETRAGONAL, 0.6)
    foreign = np.array([0.1203, 0.2001, 0.2217, 0.2683, 0.3333])
    asked = {}
    for n_foreign in (1, 3, 5):
        peaks = prepare(np.sort(np.append(q2, foreign[:n_foreign])), wavelength=1.540593)
        for chance in (0.95, 0.7, 0.3):
            monkeypatch.setattr(ranking, "first_chance", lambda *_, chance=chance: chance)
            asked[n_foreign, chance] = ranking.leaves_many(peaks, [judged(peaks, TETRAGONAL)])
    assert asked == {
        **{(1, 0.95): False, (1, 0.7): False, (1, 0.3): True},
        **{(3, 0.95): False, (3, 0.7): True, (3, 0.3): True},
        **{(5, 0.95): True, (5, 0.7): True, (5, 0.3): True},
    }


def test_nearly_equal_candidates_take_one_place_where_many_peaks_are_foreign(mixture):
    """Twenty copies of one cell leave a place for another one."""
    crowded = mixture.crowded()
    right = lattice.cell_to_x(np.array(TETRAGONAL[1], float))
    copies = np.repeat(right[None], 20, axis=0)
    other = lattice.cell_to_x(np.array(ELSE[1], float))[None]
    found = Found(
        "tP", np.concatenate([copies, other]), np.zeros(21), np.repeat("test", 21).astype(object)
    )
    few = ranking.RANKING.crowded._replace(n_refined=2)
    volumes = [
        lattice.volume(lattice.x_to_cell(row.x))
        for row in ranking.shortlist(crowded, found, Zero(), few)
    ]
    assert len(volumes) == 2 and max(volumes) / min(volumes) > 1.3
    usual = ranking.shortlist(crowded, found, Zero(), few._replace(first_peaks=0))
    assert len(usual) == 1


@pytest.mark.parametrize("options", [dict(max_volume=12.0), dict(time_budget=0.0)])
def test_a_search_that_finds_nothing_has_no_pairs(mixture, options):
    found = search.run(mixture.q2, wavelength=1.540593, bravais="tP", n_jobs=1, **options)
    assert not len(found) or not found.paired.any()
    assert pairs.raised(mixture, []) == [] and not list(pairs.leftovers(mixture, []))


def test_cells_of_a_result_are_scored_as_a_pair_on_the_peaks_of_the_pattern(mixture):
    listed = Peaks(mixture.q2, wavelength=1.540593)
    first, right, wrong = ((name, cell, 0.0) for name, cell in (CUBIC, TETRAGONAL, ELSE))
    assert pairs.explained(listed, first, right) > pairs.explained(listed, first, wrong) + 10
    assert pairs.explained(listed, right, first) == pytest.approx(
        pairs.explained(listed, first, right)
    )


def test_what_only_the_crowded_search_finds_is_judged_as_an_ordinary_cell_too(monkeypatch):
    """A right cell that leaves no peak is not to pay for peaks that another might leave."""
    q2 = lines_of(TETRAGONAL)[:20]
    peaks = prepare(q2, wavelength=1.540593)

    def stages(given, zero, symbols, how, ends):
        return [judged(given, TETRAGONAL if how.crowded else ELSE)]

    monkeypatch.setattr(search, "_stages", stages)
    found = search.run(q2, wavelength=1.540593)
    ordinary, crowded = judged(peaks, TETRAGONAL), judged(peaks.crowded(), TETRAGONAL)
    assert ordinary.score > crowded.score + 5
    assert found.score[0] == pytest.approx(ordinary.score, abs=1.0)
