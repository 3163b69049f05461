"""The search finds what was put in, whatever the order of peaks or the number of workers."""

import tracemalloc
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ddi.base.errors import DDIError
from ddi.forward import bragg, lattice, lines, relations
from ddi.forward.constants import SCORE
from ddi.index import confidence, extinction, kinship, proposals, ranking, score, search
from ddi.index.candidates import Candidate, Judged
from ddi.index.constants import RANKING, SEARCH

WAVELENGTH = 1.540593
CELLS = {
    "cF": [5.64, 5.64, 5.64, 90, 90, 90],
    "tP": [6.21, 6.21, 4.87, 90, 90, 90],
    "oP": [5.12, 7.93, 10.21, 90, 90, 90],
    "mP": [5.61, 9.02, 7.33, 90, 104.2, 90],
    "aP": [5.31, 6.72, 7.91, 82.3, 98.1, 104.0],
}


def pattern(bravais, zero=0.05, noise=0.005, drop=0.15, seed=1):
    """Observed q2 of a lattice with a zero shift, noise (degrees 2theta) and lines missing."""
    rng = np.random.default_rng(seed)
    _, q2 = lines.distinct_lines(lattice.cell_to_x(CELLS[bravais]), bravais, 0.7)
    angle = bragg.two_theta(q2[rng.random(len(q2)) > drop][:35], WAVELENGTH)
    return bragg.q2_of(np.sort(angle + zero + noise * rng.standard_normal(len(angle))), WAVELENGTH)


@pytest.mark.parametrize("bravais", CELLS)
def test_right_lattice_first_with_its_zero_shift(bravais):
    table = search.run(pattern(bravais), wavelength=WAVELENGTH)
    best = table.iloc[0]
    assert relations.same_lattice(
        best.cell,
        CELLS[bravais],
        lattice.BRAVAIS[best.bravais][1],
        lattice.BRAVAIS[bravais][1],
        0.003,
        0.2,
    )
    assert best.zero_shift == pytest.approx(0.05, abs=0.02)
    assert best.probability > 0.5 and best.M20 > 10
    assert (
        table.probability.sum() <= 1 + 1e-9
        and (table["rank"] == np.arange(1, len(table) + 1)).all()
    )


def test_result_does_not_depend_on_workers_or_order():
    q2 = pattern("mP")
    one = search.run(q2, wavelength=WAVELENGTH, bravais=["monoclinic"], n_jobs=1)
    shuffled = np.random.default_rng(0).permutation(len(q2))
    for jobs, order in ((2, slice(None, None, -1)), (4, shuffled)):
        options = dict(wavelength=WAVELENGTH, bravais=["monoclinic"], n_jobs=jobs)
        pd.testing.assert_frame_equal(one, search.run(q2[order], **options))
    assert set(one.bravais) <= {"mP", "mC"}


@pytest.mark.parametrize(("shift", "wavelength"), [(0.0, WAVELENGTH), (0.06, WAVELENGTH),
                                                   (-0.07, 1.79)])  # fmt: skip
def test_spacings_without_a_wavelength_have_a_zero_shift(shift, wavelength):
    angles = bragg.two_theta(pattern("mP", zero=0.0), wavelength) + shift
    table = search.run(bragg.q2_of(angles, wavelength), bravais="mP")
    assert relations.same_lattice(table.cell[0], CELLS["mP"])
    at_copper = shift * WAVELENGTH / wavelength
    assert table.zero_shift[0] == pytest.approx(at_copper, abs=0.015)


def test_a_known_zero_shift_is_kept():
    fixed = search.run(
        pattern("oP"), wavelength=WAVELENGTH, bravais="oP", zero_shift=0.05, zero_fixed=True
    )
    assert fixed.zero_shift[0] == pytest.approx(0.05, abs=1e-4)


class Oracle:
    """A generator that knows the answer."""

    name = "oracle"

    def sample(self, q2, n, *, seed):
        return np.array([[CELLS["oP"]]])


def test_other_generators_join_and_are_named():
    from ddi.models.templates import Templates

    table = search.run(
        pattern("oP"),
        wavelength=WAVELENGTH,
        bravais="oP",
        templates=Templates(),
        generators={"orthorhombic": [Oracle()]},
    )
    assert table.source[0] == "oracle" and relations.same_lattice(table.cell[0], CELLS["oP"])


@pytest.mark.parametrize(
    "bad", [[0.1, 0.2], [0.1, 0.2, 0.3, 0.4, 0.5, np.nan], [-0.1, 0.2, 0.3, 0.4, 0.5, 0.6]]
)
def test_bad_peaks_are_refused(bad):
    with pytest.raises(DDIError, match="at least 4 positive"):
        search.run(bad)


def test_faint_peaks_tell_a_supercell_from_its_subcell():
    cell = np.array([6.2, 7.4, 9.1, 90, 90, 90])
    hkl, q2 = lines.distinct_lines(lattice.cell_to_x(cell), "oP", 0.45)
    even = hkl[:, 2] % 2 == 0
    strong = q2[even][:25]
    weak = q2[~even]
    weak = weak[weak < strong[-1]][::3]
    faint = [weak, np.full(len(weak), 1e-5), np.full(len(weak), 0.3)]
    volumes = [
        search.run(strong, wavelength=WAVELENGTH, bravais="oP", faint=given).volume[0]
        for given in (None, faint)
    ]
    assert volumes == pytest.approx([lattice.volume(cell) / 2, lattice.volume(cell)], rel=1e-3)


def test_more_than_forty_peaks_with_errors_of_their_own():
    q2 = lines.distinct_lines(lattice.cell_to_x(np.array([7.1, 8.3, 11.9, 90, 90, 90])), "oP", 0.5)[
        1
    ][:55]
    errors = np.linspace(1e-5, 3e-5, len(q2))
    peaks = search.prepare(q2[::-1], errors[::-1], wavelength=WAVELENGTH)
    assert len(peaks.q2) == SEARCH.max_verify and np.array_equal(
        peaks.sigma, errors[: SEARCH.max_verify]
    )


def test_unknown_lattice_is_refused():
    with pytest.raises(DDIError, match="no lattice is called xP"):
        search.chosen(["cubic", "xP"])
    assert search.chosen(["cubic", "aP"]) == ["cF", "cI", "cP", "aP"]


def test_weak_peaks_are_likelier_to_be_spurious():
    chances = score.spurious(np.array([0.01, 1.0, 10, 100, 1e9]))
    assert (np.diff(chances) <= 0).all() and chances[2] == SCORE.spurious
    assert 0 < chances[-1] < chances[0] < 1


def test_lines_without_a_peak_speak_against_a_cell():
    n = np.arange(5, 60)
    odds = np.array([score.completeness(k, 20) for k in n])
    assert (odds[n <= 20] == odds[0]).all()
    assert (np.diff(odds[n >= 20]) < 0).all()
    assert score.completeness(28, 20) == 0
    assert odds[n == 20] - odds[n == 40] == pytest.approx(RANKING.unseen * np.log(2))


def test_zero_shift_counts_by_cauchys_law():
    peaks = replace(search.prepare(pattern("oP")), shift=(0.02, 0.06))
    odds = [peaks.shift_odds(zero) for zero in (0.02, 0.08, -0.04, 0.5)]
    assert odds == pytest.approx([0, -np.log(2), -np.log(2), -np.log(65)])


def test_a_whole_pattern_is_asked_itself_about_lines_without_a_peak():
    q2 = pattern("oP", zero=0.1)
    listed = replace(search.prepare(q2, wavelength=WAVELENGTH), shift=(0.02, 0.06))
    picked = search.prepare(q2, wavelength=WAVELENGTH, faint=np.empty((3, 0)))
    assert picked.whole and not listed.whole
    x = lattice.cell_to_x([14.0, 9.0, 11.0, 90, 90, 90])
    alone, beside = (score.judge(peaks, "oP", x, 0.1) for peaks in (listed, picked))
    told = score.completeness(alone.n_lines, len(q2)) + listed.shift_odds(0.1)
    assert told < -2 and alone.score - beside.score == pytest.approx(told)
    assert confidence.calibration(whole=True) != confidence.calibration(whole=False)


def test_given_zero_shift_has_no_price():
    q2 = pattern("oP", zero=0.4)
    options = dict(wavelength=WAVELENGTH, bravais="oP", n_best=1)
    given = search.run(q2, zero_shift=0.4, **options).iloc[0]
    fitted = search.run(q2, zero_shift="fit", **options).iloc[0]
    assert given.zero_shift == pytest.approx(0.4, abs=0.01)
    assert given.volume == pytest.approx(fitted.volume, rel=1e-3)
    price = np.log1p(((fitted.zero_shift - SEARCH.zero_mean) / SEARCH.zero_sigma) ** 2)
    assert given.score - fitted.score == pytest.approx(price, abs=0.5)


def test_probabilities_and_their_calibration():
    rng = np.random.default_rng(0)
    scores = [np.sort(rng.normal(rng.normal(25, 12), 6, 8))[::-1] for _ in range(400)]
    given = confidence.Calibration(4.0, null=25.0, null_temperature=8.0, doubt=0.0)
    chances = [np.append(p := confidence.probabilities(s, given), 1 - p.sum()) for s in scores]
    right = [rng.choice(9, p=p) for p in chances]
    fit = confidence.calibrate(scores, [k if k < 8 else -1 for k in right])
    assert fit.temperature == pytest.approx(4.0, rel=0.3) and fit.null == pytest.approx(25.0, abs=4)
    assert fit.null_temperature == pytest.approx(8.0, rel=0.4)
    kept = confidence.calibrate(scores, [k if k < 8 else -1 for k in right], temperature=5.0)
    assert kept.temperature == 5.0 and kept.n == 400


def test_probabilities_by_hand():
    """One candidate a log unit above the null is e to the 1/2 likelier than it; two share."""
    given = confidence.Calibration(1.0, null=10.0, null_temperature=2.0, doubt=0.1)
    none = np.exp(-0.5)
    np.testing.assert_allclose(confidence.probabilities([11.0], given), [0.9 / (1 + none)])
    pair = confidence.probabilities([11.0, 10.0], given)
    np.testing.assert_allclose(pair, 0.9 * np.array([1, 1 / np.e]) / (1 + 1 / np.e + none))
    assert len(confidence.probabilities([], given)) == 0
    assert confidence.probabilities([-np.inf, -np.inf], given).tolist() == [0.0, 0.0]
    huge = confidence.probabilities([5000.0, -5000.0], given)
    np.testing.assert_allclose(huge, [0.9, 0.0])


def test_no_doubt_is_left_beside_the_other_candidates_alone(monkeypatch):
    """The long tail of "none of these" is for people; the search need not go on for it."""
    given = confidence.calibration()
    row = SimpleNamespace(score=given.null + 10)
    peaks = SimpleNamespace(q2=np.ones(20), whole=False)
    assert confidence.probabilities([row.score])[0] < RANKING.beyond_doubt
    monkeypatch.setattr(ranking, "_figures", lambda *_: {"hkl": np.ones((20, 3))})
    assert ranking.is_beyond_doubt(peaks, [row])
    rival = SimpleNamespace(score=row.score - 1)
    assert not ranking.is_beyond_doubt(peaks, [row, rival])


def described(bravais, cell, score):
    cell = np.array(cell, dtype=float)
    reduced = lattice.reduced_cell(cell, lattice.BRAVAIS[bravais][1])
    x = lattice.cell_to_x(cell)
    about = (score, "", 50, cell, reduced, lattice.volume(reduced))
    return Judged(bravais, x, 0.0, score, "templates", *about)


def test_lines_with_errors_contradict_a_higher_metric_symmetry_earlier():
    """Two log units between two descriptions of one lattice are rounding, where nobody says how
    well the positions are known; where it is said, the lines split.
    """
    low = described("mP", [7, 8, 9, 90, 90.1, 90], 30.0)
    high = described("oP", [7, 8, 9, 90, 90, 90], 28.0)
    names = [row.bravais for row in kinship.prefer_symmetric([low, high])]
    assert names == ["oP", "mP"]
    stated = kinship.prefer_symmetric([low, high], coarse=False)
    assert [row.bravais for row in stated] == ["mP", "oP"]
    assert stated[0].score - stated[1].score == RANKING.metric_gain
    equal = [replace(low, score=28.5), high]
    nearly = kinship.prefer_symmetric(equal, coarse=False)
    assert [row.bravais for row in nearly] == ["oP", "mP"]
    assert search.prepare(np.linspace(0.1, 0.5, 20), 1e-4).coarse is False
    assert search.prepare(np.linspace(0.1, 0.5, 20)).coarse is True


def test_families_gather_sub_and_supercells():
    cells = [
        np.array([5.0, 6, 7, 80, 85, 95]),
        np.array([5.0, 6, 14, 80, 85, 95]),
        np.array([4.4, 6.6, 9, 70, 85, 95]),
    ]
    rows = [
        SimpleNamespace(reduced=lattice.reduced_cell(c), primitive_volume=lattice.volume(c))
        for c in cells
    ]
    assert kinship.families(rows) == [1, 1, 3]


@pytest.mark.parametrize(
    "symbol, bravais",
    [
        ("P n m a", "oP"),
        ("P 1 21/c 1", "mP"),
        ("I a -3 d", "cI"),
        ("R -3 c:H", "hR"),
        ("P 42/m n m", "tP"),
    ],
)
def test_extinction_symbol_of_a_group_is_found(symbol, bravais):
    import gemmi

    system = lines.KINDS[bravais].system
    cell = lattice.full_cell(
        lattice.free_cell(np.array([7.1, 9.3, 11.2, 90, 103.0, 90]), system), system
    )
    hkl, q2 = lines.distinct_lines(lattice.cell_to_x(cell), bravais, 0.6)
    seen = q2[~gemmi.SpaceGroup(symbol).operations().systematic_absences(hkl.astype(np.int32))]
    best = extinction.rank(cell, bravais, seen, 1e-5)[0]
    assert gemmi.SpaceGroup(symbol).hm in best.space_groups and best.n_indexed == len(seen)
    assert sum(
        entry.weight for entry in extinction.rank(cell, bravais, seen, 1e-5)
    ) == pytest.approx(1)


@pytest.mark.parametrize("n", [1, 5, 50, 400, 1000, 2000])
def test_the_highest_scores_are_those_of_a_stable_sort(n):
    rng = np.random.default_rng(n)
    for share in (0, 0.1, 0.9, 1):
        tried = rng.random(1000) < share
        scores = np.where(tried, rng.integers(0, 60, 1000) / 4, -1.0)
        expected = np.argsort(-scores, kind="stable")[:n]
        assert proposals.highest(scores, n).tolist() == expected.tolist()


def test_no_candidate_is_judged_twice(monkeypatch):
    peaks = SimpleNamespace(told=lambda *_: 0.0)
    x = np.array([1.0, 1, 1, 0, 0, 0])
    candidates = [Candidate("oP", x, float(n), float(n), "") for n in range(100)]
    asked = []

    def judge(_, bravais, x, zero):
        asked.append(float(zero))
        return score.Judgement(0.0, "P - - -", 1)

    monkeypatch.setattr(ranking.score, "judge", judge)
    listed = ranking.likeliest_judged(peaks, candidates)
    more = Candidate("oP", x, 99.5, 99.5, "")
    listed = ranking.likeliest_judged(peaks, [*listed, more])
    assert [row.plain for row in listed[:2]] == [99.5, 99.0]
    assert sorted(asked) == [*range(30, 100), 99.5]


def test_templates_leave_nothing_behind_whatever_the_length_of_the_list():
    """A batch once grew by the inverses of the templates, 43 MB of them triclinic."""
    q2 = np.linspace(0.02, 0.3, 40)
    warm = search.prepare(q2, wavelength=WAVELENGTH)  # reads the templates and what is compiled
    proposals.from_templates(warm, "cP", search.Zero(trials=(0.0,)))
    tracemalloc.start()
    for n in (8, 12, 40):
        peaks = search.prepare(q2[:n], wavelength=WAVELENGTH)
        x, _ = proposals.from_templates(peaks, "aP", search.Zero(trials=(0.0,)))
        assert len(x) > 0
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 5e6 and most < 60e6


@pytest.mark.parametrize("bravais, edge", [("cP", 4.1), ("cI", 5.3), ("cF", 5.62)])
def test_cubic_lattice_is_proposed_whatever_stands_in_front_of_its_first_line(bravais, edge):
    """Templates are about the first peaks only, and those may all be foreign."""
    x = lattice.cell_to_x(np.array([edge] * 3 + [90.0] * 3))
    own = lines.distinct_lines(x, bravais, 0.42)[1]
    foreign = own[0] * np.array([0.71, 0.76, 0.83, 0.9, 0.96])
    peaks = search.prepare(np.append(foreign, own), wavelength=WAVELENGTH)
    found = search.search_lattice(peaks, bravais, search.Zero.known(0.0))
    edges = lattice.x_to_cell(found.x)[:, 0]
    assert np.abs(edges / edge - 1).min() < 1e-4
