"""A pattern decides between a cell and its subcells: closed forms, null, and two synthetic ones."""

import numpy as np
import pytest
from scipy import stats

from ddi.forward import bragg, lattice, lines
from ddi.index import confidence, evidence, judging, profile, symbols
from ddi.index.constants import RANKING
from ddi.index.pattern_constants import EVIDENCE, SYMBOLS
from ddi.index.peaks import from_pattern
from ddi.index.result import CELL_COLUMNS
from ddi.index.rows import Row
from ddi.study import damage

CELL = np.array([7.1, 8.3, 6.2, 90.0, 90.0, 90.0])
SKEW = np.array([7.1, 8.3, 9.2, 90.0, 104.0, 90.0])
WHOLE = confidence.calibration(whole=True)


def measured(share, seed=0):
    """A measured oP pattern whose lines with h + k odd have `share` of the strongest intensity."""
    rng = np.random.default_rng(seed)
    hkl, q2 = lines.distinct_lines(lattice.cell_to_x(CELL), "oP", bragg.q2_of(75, damage.CU.alpha1))
    strong = hkl[:, :2].sum(axis=1) % 2 == 0
    height = np.where(strong, 0.1 + 0.9 * rng.random(len(q2)), share)
    conditions = damage.Conditions(counts=20_000.0, background=200.0, spurious=0.0)
    x, y, zero = damage.pattern(q2, height, seed=seed, conditions=conditions)
    return from_pattern(x, y, damage.CU.alpha1, "synthetic"), zero


def told(share, cell=CELL):
    peaks, zero = measured(share)
    (fit,) = profile.of_peaks(peaks, [("oP", cell, zero)])
    shared = evidence.shared_lines(("oP", cell), ("oC", cell), fit.lines.hkl)
    return evidence.of_supercell(fit, shared)


def test_primitive_lines_of_one_percent_decide_against_the_centring():
    assert told(0.01) > 5


def test_without_primitive_lines_the_centred_cell_stands_in_front():
    none = np.log(EVIDENCE.none)  # at best, the prior of no line at all is what a supercell loses
    assert none - 1 < told(0.0) < 0


def rows_of(peaks, zero, lead):
    """A list of two rows: the centred cell, better by `lead` log units, and the primitive one."""
    common = dict(M20=30.0, n_lines=99, family=1, zero_shift=zero, paired=False)
    found = [
        common
        | dict(zip(CELL_COLUMNS, CELL))
        | dict(bravais=bravais, score=score, rank=rank, volume=lattice.volume(CELL))
        | dict(hkl=np.ones((40, 3)))
        for bravais, score, rank in (("oC", 30.0 + lead, 1), ("oP", 30.0, 2))
    ]
    fits = profile.of_peaks(peaks, [(row["bravais"], CELL, zero) for row in found])
    chances = confidence.probabilities([row["score"] for row in found], WHOLE)
    return [Row(row, probability=chance) for row, chance in zip(found, chances)], fits


def column(found, name):
    return np.array([row[name] for row in found])


@pytest.mark.parametrize(("share", "first"), [(0.01, "oP"), (0.0, "oC")])
def test_the_list_follows_the_pattern(monkeypatch, share, first):
    monkeypatch.setattr(judging, "log_prior", lambda: {"oC": 0.0, "oP": 0.0})
    peaks, zero = measured(share)
    peaks = peaks.__class__(**{**vars(peaks), "q2": peaks.q2[:20], "faint": None})
    listed, fits = rows_of(peaks, zero, 3.0)
    found, ordered = judging.decided(listed, fits, peaks)
    assert found[0].bravais == first and ordered[0].bravais == first
    assert [(row.rank, row.family) for row in found] == [(1, 1), (2, 1)]
    chances = column(found, "probability")
    assert chances[0] >= chances[1] and chances.sum() < 1
    softmax = confidence.probabilities(column(found, "score"), WHOLE)
    ratio = chances / chances.sum()  # "none of these" stays as it was
    np.testing.assert_allclose(ratio, softmax / softmax.sum(), rtol=1e-9)
    assert chances.sum() == pytest.approx(softmax.sum(), abs=0.01)
    doubtful, _ = judging.decided([row.but(n_lines=15) for row in listed], fits, peaks)
    assert column(doubtful, "probability").max() <= RANKING.most_doubtful
    same, _ = judging.decided(listed, [None, None], peaks)
    assert same is listed


@pytest.mark.parametrize(
    ("told", "share", "favoured"),
    [
        ((0.3, 1), 0.0, True),
        ((-0.3, 1), 0.0, False),
        ((-0.3, 1), 1.0, True),  # its lattice is commoner
        ((0.3, 1), -1.0, False),  # rarer
        ((0.3, -1), 0.0, False),  # a subcell
        (None, 0.0, False),
    ],
)
def test_a_supercell_that_pattern_and_lattice_favour_lowers_the_probability(
    monkeypatch, told, share, favoured
):
    peaks, zero = measured(0.0)
    listed, fits = rows_of(peaks, zero, 4.0)
    monkeypatch.setattr(judging, "_between", lambda *_: told)
    monkeypatch.setattr(judging, "log_prior", lambda: {"oC": 0.0, "oP": share})
    found, _ = judging.decided(listed, fits, peaks)
    assert found[0].bravais == "oC"
    plain = confidence.probabilities(column(found, "score"), WHOLE)
    assert plain[0] > EVIDENCE.most_unsettled
    expected = np.minimum(plain, EVIDENCE.most_unsettled) if favoured else plain
    np.testing.assert_allclose(column(found, "probability"), expected, rtol=1e-9)


def test_ratio_has_mean_one_where_no_line_is():
    rng = np.random.default_rng(0)
    n = 40_000
    ones = np.ones(n)
    seen = symbols.Observed(ones, ones, 30 * ones, 10 * ones, 30.0)
    width = np.hypot(EVIDENCE.spread, 10 * EVIDENCE.leak)
    value = stats.t.rvs(EVIDENCE.freedom, size=n, random_state=rng) * width
    scale = rng.choice(SYMBOLS.scales, size=n, p=np.array(SYMBOLS.weights) / sum(SYMBOLS.weights))
    foreign = rng.random(n) < EVIDENCE.foreign
    value = np.where(foreign, rng.exponential(30 * scale) + rng.standard_normal(n), value)
    gain = evidence.log_ratio(seen._replace(value=value), np.zeros(n, dtype=bool))
    assert np.exp(gain).mean() == pytest.approx(1, abs=0.1)  # 1/33 is the standard error
    assert gain.max() < -np.log(EVIDENCE.foreign) + 1e-9


def test_negative_scatter_makes_the_null_wider():
    rng = np.random.default_rng(1)
    value = 4 * rng.standard_normal(200)
    value[0] = 8.0
    ones = np.ones(200)
    seen = symbols.Observed(value, ones, 30 * ones, 0 * ones, 30.0)
    narrow = evidence.log_ratio(seen, np.zeros(200, dtype=bool))
    wide = evidence.log_ratio(seen, np.ones(200, dtype=bool))
    assert wide[0] < narrow[0] - 1


def test_shares_by_hand():
    """One position: sum_f p(f) (1 - f + f rho) is linear in rho."""
    shares = np.array(EVIDENCE.shares)
    prior = np.append(EVIDENCE.none, np.full(8, (1 - EVIDENCE.none) / 8))
    mean = prior @ shares
    found = evidence._over_shares(np.log([5.0]), np.array([[True], [False]]))
    np.testing.assert_allclose(np.exp(found), [1 - mean + 5 * mean, 1.0])


def test_a_hump_speaks_once_and_k_beta_not_at_all():
    gain = np.array([3.0, 2.0, 1.0, -0.5])
    place = np.array([20.0, 20.1, 25.0, 20.05])
    assert evidence._strongest_nearby(gain, place, np.full(4, 0.1)).tolist() == [
        True,
        False,
        True,
        False,
    ]
    anode = bragg.ANODES[0]

    class Fitted:
        tube = anode

        def width(self, angle):
            return np.full(np.shape(angle), 0.1)

    place = np.append(bragg.moved(np.array([30.0]), anode.beta / anode.alpha1), 30.0)
    value = np.array([1.0, 100.0])
    fit = Fitted()
    assert evidence._uninformative(fit, value, place, []).tolist() == [0]
    assert evidence._uninformative(fit, np.array([10.0, 100.0]), place, []).tolist() == []
    fit.tube = None
    assert evidence._uninformative(fit, value, place, [30.05]).tolist() == [1]


@pytest.mark.parametrize("bravais", list(lattice.BRAVAIS))
def test_rotations_are_the_holohedry(bravais):
    turns = evidence.rotations(bravais)
    assert len(turns) == lattice.LAUE_ORDER[lattice.BRAVAIS[bravais][0]]
    system = lines.KINDS[bravais].system  # hexagonal axes for hR
    free = np.array([0.03, 0.04, 0.05, 0.003, 0.002, 0.001])[: lattice.ties(system).shape[1]]
    x = lattice.x_to_metric(lattice.full_x(free, system))
    np.testing.assert_allclose(
        turns @ x @ turns.transpose(0, 2, 1), np.broadcast_to(x, turns.shape)
    )


@pytest.mark.parametrize(
    ("large", "small", "change"),
    [
        ("mP", "mC", np.eye(3)),
        ("mP", "mP", np.diag([0.5, 1, 1])),
        ("aP", "aP", np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1 / 3]])),
    ],
)
def test_shared_lines_are_those_of_the_subcell(large, small, change):
    cell = SKEW if large == "mP" else np.array([7.1, 8.3, 9.2, 81.0, 104.0, 95.0])
    subcell = lattice.change_basis(cell, change)
    hkl, q2 = lines.distinct_lines(lattice.cell_to_x(cell), large, 0.25)
    shared = evidence.shared_lines((large, cell), (small, subcell), hkl)
    _, of_subcell = lines.distinct_lines(lattice.cell_to_x(subcell), small, 0.25)
    apart = np.abs(q2[:, None] - of_subcell).min(axis=1)
    np.testing.assert_array_equal(shared, apart < 1e-9)
    assert evidence.shared_lines((small, subcell), (large, cell), hkl) is None


def test_prior_of_lattices_counts_every_mineral():
    prior = judging.log_prior()
    assert set(prior) == set(lattice.BRAVAIS)
    assert np.exp(list(prior.values())).sum() == pytest.approx(1)
    assert prior["oP"] > prior["oC"] + 1
    assert sum(symbols.counts().values()) > 1000
