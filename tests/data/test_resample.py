"""Peak resampling: fitted on lists made by its own rule, it finds the rule again."""

import numpy as np
import pytest

from ddi.data.resample import EDGES, Curve, Resampler, observed, pad


def simulate(accept, n=3000, n_lines=60, seed=0):
    """Lines with log-uniform gaps, peaks chosen by walking as the write-up says."""
    rng = np.random.default_rng(seed)
    lines = np.cumsum(np.exp(rng.uniform(np.log(2e-4), np.log(0.017), (n, n_lines))), axis=1)
    peaks = []
    for row in lines:
        chosen = [row[rng.choice(3, p=[0.7, 0.2, 0.1])]]
        for q2 in row[row > chosen[0]]:
            if rng.random() < accept(q2 - chosen[-1]):
                chosen.append(q2)
        peaks.append(np.array(chosen))
    return list(lines), peaks


@pytest.fixture(scope="module")
def written():
    return simulate(Curve(800.0, 1.7))


def test_the_writeups_curve_is_found_again(written):
    fitted = Resampler.fit(*written)
    assert fitted.used == "as written"
    assert fitted.curves["as written"][:2] == pytest.approx((800, 1.7), rel=0.08)
    assert fitted.first == pytest.approx([0.7, 0.2, 0.1], abs=0.03)


def test_where_the_written_curve_degenerates_the_plateau_is_fitted():
    fitted = Resampler.fit(*simulate(Curve(3000.0, 10.0, 0.75)))
    assert fitted.used == "plateau fitted"
    assert fitted.curves["as written"].degenerate and fitted.curves["plateau 0.95"].degenerate
    assert fitted.curves["plateau fitted"].misfit < fitted.curves["plateau 0.95"].misfit / 2
    assert fitted.acceptance(np.array([0.01]))[0] == pytest.approx(0.75, abs=0.06)
    assert fitted.acceptance(np.array([3e-4]))[0] < 0.1
    assert fitted.curves["plateau fitted"].plateau == pytest.approx(0.75, abs=0.02)


@pytest.mark.parametrize("accept", [Curve(800.0, 1.7), Curve(3000.0, 10.0, 0.75)])
def test_resampled_lists_have_the_separations_of_the_real_ones(accept):
    lines, peaks = simulate(accept)
    fitted = Resampler.fit(lines, peaks)
    padded = pad(lines)
    drawn = fitted.draw(padded, np.random.default_rng(9))
    gaps = np.concatenate([np.diff(line[mask]) for line, mask in zip(padded, drawn)])
    real = np.concatenate([np.diff(peak) for peak in peaks])
    quantiles = [0.1, 0.3, 0.5, 0.7, 0.9]
    assert np.quantile(gaps, quantiles) == pytest.approx(np.quantile(real, quantiles), rel=0.05)
    assert drawn.sum(axis=1).mean() == pytest.approx(
        np.mean([len(peak) for peak in peaks]), rel=0.02
    )


def test_lines_beyond_the_end_of_the_pattern_are_not_counted_as_unseen():
    lines = [np.arange(1, 41) * 0.01]
    fitted = Resampler.fit(lines, [lines[0][:20]], q2_max=0.2001)
    assert fitted.fraction[fitted.visits > 0].min() == 1 and fitted.visits.sum() == 19


def test_observed_marks_the_lines_among_the_peaks():
    lines = pad([[0.1, 0.2, 0.3], [0.1, 0.4]])
    assert observed(lines, [np.array([0.2]), np.array([0.1 * (1 + 1e-9), 0.5])]).tolist() == [
        [False, True, False],
        [True, False, False],
    ]


def test_draw_starts_at_the_first_peak_and_never_takes_padding(written):
    fitted = Resampler.fit(*written)
    padded = pad([line[:7] for line in written[0][:500]], 10)
    drawn = fitted.draw(padded, np.random.default_rng(0))
    assert not drawn[:, 7:].any() and drawn[:, :3].any(axis=1).all()
    assert (drawn == fitted.draw(padded, np.random.default_rng(0))).all()


def test_too_few_lines_to_fit_fall_back_to_what_there_is():
    fitted = Resampler.fit([np.array([0.1, 0.2])], [np.array([0.1, 0.2])])
    assert fitted.used == "binned fraction" and fitted.acceptance(
        np.array([1e-3, 0.5])
    ).tolist() == [1, 1]
    assert len(EDGES) == 101 and EDGES[-1] == pytest.approx(10**-1.75)
