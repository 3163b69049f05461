"""A second phase: two known cells in one pattern or list, and none where there is none."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ddi import index_peaks
from ddi.forward import bragg
from ddi.index import phases, show
from ddi.index.comparison import calculated_lines, cell_of
from ddi.index.linefit import Lines
from ddi.index.observed import Peaks, prepare
from ddi.index.peaks import Pattern

LAMBDA = bragg.CU_KALPHA1
FIRST = (np.array([5.43, 5.43, 5.43, 90, 90, 90]), "cP")
OTHER = (np.array([4.66, 4.66, 7.58, 90, 90, 90]), "tP")


def lines(cell, bravais):
    return bragg.two_theta(calculated_lines(cell, bravais, bragg.q2_of(75, LAMBDA))[0], LAMBDA)


def pattern(share, seed=0):
    """A monochromatic pattern of both phases, the second weaker by `share`."""
    rng = np.random.default_rng(seed)
    x = np.arange(10, 75, 0.02)
    y = np.zeros_like(x)
    for (cell, bravais), scale in ((FIRST, 1.0), (OTHER, share)):
        at = lines(cell, bravais)
        for place, area in zip(at, scale * (0.3 + rng.exponential(0.5, len(at)))):
            u = (x - place) / 0.1
            y += area * (0.5 / (1 + 4 * u**2) + 0.5 * np.exp(-4 * np.log(2) * u**2))
    counts = rng.poisson(8000 * y / y.max() + 100).astype(float)
    return Pattern(x, counts, LAMBDA, "monochromatic", "two phases")


def is_phase(result, phase):
    row = result.cells.iloc[0]
    return row.bravais == phase[1] and np.allclose(cell_of(row), phase[0], rtol=1e-3)


@pytest.fixture(scope="module")
def both():
    return index_peaks(pattern(0.3).peaks(), lattice="cubic tetragonal", n_jobs=1)


def test_second_phase_of_a_pattern_is_found(both):
    assert both.convinces and both.second.convinces
    assert (
        is_phase(both, FIRST)
        and is_phase(both.second, OTHER)
        or (is_phase(both, OTHER) and is_phase(both.second, FIRST))
    )


def test_phase_that_explains_more_intensity_is_first(both):
    weak = index_peaks(pattern(3.0).peaks(), lattice="cubic tetragonal", n_jobs=1)
    for result in (both, weak):
        assert phases.explained(result) > phases.explained(result.second) > 0
    assert is_phase(weak, OTHER) and is_phase(weak.second, FIRST)
    assert is_phase(both, FIRST) and is_phase(both.second, OTHER)
    listed = replace(both, fits=(), peaks=replace(both.peaks, intensity=None))
    assert phases.explained(listed) == 0.0


def test_second_phase_is_told(both, capsys):
    said = json.loads(json.dumps(both.to_dict()))
    assert said["second_phase"]["cells"][0]["bravais"] == both.second.cells.bravais[0]
    assert 0.5 < said["second_phase"]["cells"][0]["probability"] <= 1
    assert "Second phase" in show.html(both)
    both.print()
    assert "Second phase" in capsys.readouterr().out
    doubtful = replace(both.second, rows=both.second.cells.assign(probability=0.1))
    assert "no second cell convinces" in show.second_in_words(replace(both, second=doubtful))


def test_one_phase_has_no_second():
    result = index_peaks(pattern(0.0).peaks(), lattice="cubic tetragonal", n_jobs=1)
    assert result.convinces and result.second is None
    assert result.to_dict()["second_phase"] is None


def test_second_phase_of_a_list():
    angles = np.sort(np.concatenate([lines(*FIRST)[:20], lines(*OTHER)[3:14] + 0.004]))
    result = index_peaks(angles, unit="2theta", wavelength=LAMBDA, lattice="cubic", n_jobs=1)
    assert is_phase(result, FIRST) and len(phases.remaining(result)) >= 8
    assert result.second is not None  # no cubic cell is there, so that none is sure
    assert result.second.rows[0].probability < 0.8


def test_six_peaks_that_are_left_are_searched_and_five_are_not():
    own = lines(*FIRST)[:16]
    foreign = np.array([24.71, 31.13, 38.9, 44.02, 52.55, 61.27])
    for n in (5, 6):
        angles = np.sort(np.append(own, foreign[:n]))
        options = dict(unit="2theta", wavelength=LAMBDA, lattice="cubic", second_phase=False)
        result = index_peaks(angles, **options, n_jobs=1)
        assert is_phase(result, FIRST) and result.convinces
        rest = phases.remaining(result)
        assert rest is None if n == 5 else len(rest) == 6


def test_relatives_are_no_second_phase(both):
    doubled = both.cells.assign(a=both.cells.a * 2)
    assert not phases.is_another(replace(both, rows=doubled), both)
    assert phases.is_another(both.second, both)


def test_a_pattern_full_of_foreign_peaks_is_searched_again_and_a_clean_one_is_not(monkeypatch):
    """Every peak may then be foreign with a probability of 0.4, which the cells found pay for."""
    asked = []
    crowded = Peaks.crowded
    monkeypatch.setattr(Peaks, "crowded", lambda peaks: asked.append(1) or crowded(peaks))
    own = lines(*OTHER)[:22]
    clean = index_peaks(own, unit="2theta", wavelength=LAMBDA, lattice="tetragonal", n_jobs=1)
    assert is_phase(clean, OTHER) and not asked
    foreign = np.random.default_rng(4).uniform(own[0], own[-1], 11)
    mixed = np.sort(np.concatenate([own, foreign]))
    found = index_peaks(mixed, unit="2theta", wavelength=LAMBDA, lattice="tetragonal", n_jobs=1)
    assert is_phase(found, OTHER) and asked


def test_crowded_peaks_vote_as_before_where_they_were_likely_foreign():
    peaks = prepare(np.linspace(0.05, 0.4, 20), None, np.geomspace(100, 1, 20), LAMBDA)
    many = peaks.crowded()
    assert (many.votes.spurious >= 0.4).all() and (peaks.votes.spurious < 0.4).all()
    assert (many.spurious == many.votes.spurious[: len(many.spurious)]).all()
    np.testing.assert_array_equal(many.q2, peaks.q2)


def curve(at, heights, width=0.1):
    """A cell's calculated curve, Gaussians of one width on a grid of degrees 2theta."""
    x = np.arange(10, 60, 0.01)
    y = sum(h * np.exp(-4 * np.log(2) * ((x - t) / width) ** 2) for t, h in zip(at, heights))
    return SimpleNamespace(two_theta=x, of_cell=y)


def found_lines(at, heights, width=0.1):
    n = len(at)
    return Lines(
        two_theta=np.array(at, dtype=float),
        sigma=np.full(n, 0.01),
        height=np.array(heights, dtype=float),
        snr=np.full(n, 20.0),
        fwhm=np.full(n, width),
    )


def test_lines_hidden_by_the_first_cell_vote_and_do_not_search():
    """At 20.02 the shares are open, at 30.02 the line is far higher, at 40.12 it stands apart."""
    fit = curve([20, 30, 40], [100, 10, 100])
    clear = np.linspace(45, 58, 4)
    lines = found_lines([20.02, 30.02, 40.12, *clear], [120, 80, 120, 9, 9, 9, 9])
    kept, hidden = phases._parted(lines, fit)
    assert kept.two_theta.tolist() == [30.02, 40.12, *clear]
    assert hidden.two_theta.tolist() == [20.02]
    few = lines.take(np.arange(7) < 6)  # five would be clear, too few for a cell
    kept, hidden = phases._parted(few, fit)
    assert len(kept.two_theta) == 6 and not len(hidden.two_theta)


def test_second_phase_has_the_zero_shift_of_the_first(both):
    shift = both.cells.zero_shift.iloc[0]
    cells = both.second.cells.head(2).assign(zero_shift=shift, probability=[0.6, 0.3])
    as_it_is = phases._of_one_specimen(replace(both.second, rows=cells, fits=("a", "b")), both)
    np.testing.assert_allclose(as_it_is.cells.probability, [0.6, 0.3])
    assert as_it_is.fits == ("a", "b")
    cells = cells.assign(zero_shift=[shift + 0.3, shift], family=[1, 2])
    other = phases._of_one_specimen(replace(both.second, rows=cells, fits=("a", "b")), both)
    assert other.cells.volume.tolist() == cells.volume.tolist()[::-1]
    assert other.cells["rank"].tolist() == [1, 2] and other.cells.family.tolist() == [1, 2]
    assert other.fits == ("b", "a") and other.cells.probability.iloc[1] < 0.01
    without = replace(both, rows=both.cells.assign(zero_shift=np.nan))  # no wavelength
    kept = phases._of_one_specimen(replace(both.second, rows=cells), without)
    assert kept.cells.probability.tolist() == [0.6, 0.3]


def asked_in_turn(monkeypatch, *answers):
    """Let every phase leave peaks, and the searches of them have given answers."""
    monkeypatch.setattr(phases, "remaining", lambda result, peaks=None: peaks or result.peaks)
    waiting = list(answers)
    return lambda peaks: waiting.pop(0), waiting


def as_likely(result, chance, **columns):
    """The result without a second phase, its first cell as likely as that."""
    cells = result.cells.head(1).assign(probability=chance, family=1, **columns)
    return replace(result, rows=cells, fits=result.fits[:1], second=None)


def test_doubtful_first_cell_gives_way_to_one_that_explains_more_with_the_second(both, monkeypatch):
    right = as_likely(both, 0.4)
    wrong = as_likely(both, 0.6, a=5.61, b=5.61, c=5.61)
    other = as_likely(both.second, 0.45)
    for first, again in ((wrong, right), (right, wrong)):
        solve, _ = asked_in_turn(monkeypatch, other, again)
        found = phases.with_second_phase(first, solve)
        assert is_phase(found, FIRST) and is_phase(found.second, OTHER)


def test_first_cell_is_searched_again_unless_it_is_sure(both, monkeypatch):
    for chance, n_left in ((0.8, 0), (0.95, 1)):
        first = as_likely(both, chance)
        other = as_likely(both.second, 0.9)
        solve, waiting = asked_in_turn(monkeypatch, other, as_likely(both, 0.9))
        found = phases.with_second_phase(first, solve)
        assert len(waiting) == n_left and is_phase(found, FIRST) and is_phase(found.second, OTHER)


def test_peaks_are_searched_where_the_family_of_the_first_cell_convinces(both):
    first = both.cells.iloc[:1]
    related = first.assign(a=2 * first.a, probability=0.3, family=1)
    doubtful = first.assign(probability=0.3, family=1)
    for family, searched in ((1, True), (2, False)):
        cells = pd.concat([doubtful, related.assign(family=family)], ignore_index=True)
        assert (phases.remaining(replace(both, rows=cells)) is not None) is searched
