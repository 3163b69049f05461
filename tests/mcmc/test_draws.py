"""Random numbers of the chains: the hash against whole numbers of Python, and what is left out."""

import numpy as np

from ddi.mcmc import draws

MASK = 2**64 - 1


def splitmix_twice(seed, candidate, counter):
    """The same hash in unbounded integers."""
    z = seed * 0x9E3779B97F4A7C15 + candidate * 0xD1342543DE82EF95 + counter & MASK
    for _ in range(2):
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        z ^= z >> 31
    return ((z >> 11) + 0.5) / 2**53


def test_hash_is_the_one_of_unbounded_integers_compiled_and_in_numpy():
    rng = np.random.default_rng(1)
    keys = rng.integers(0, 2**64, (200, 3), dtype=np.uint64)
    keys[:9] = np.arange(27).reshape(9, 3)
    expected = [splitmix_twice(*(int(number) for number in key)) for key in keys]
    np.testing.assert_array_equal(draws.hashed_uniform(*keys.T), expected)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal([draws.uniform(*key) for key in keys], expected)


def test_neighbouring_counters_candidates_and_seeds_share_no_bit():
    step = np.arange(1, 400, dtype=np.uint64)
    here = np.full(len(step), 7, dtype=np.uint64)
    for place in range(3):
        key = [here, here, here]
        key[place] = step
        bits = (draws.hashed_uniform(*key) * 2**53).astype(np.int64)
        flipped = (bits[1:, None] ^ bits[:-1, None]) >> np.arange(53) & 1
        assert abs(flipped.mean() - 0.5) < 0.02 and np.abs(flipped.mean(axis=0) - 0.5).max() < 0.15


def test_no_two_draws_of_an_iteration_share_a_counter():
    n_peaks = 20
    n_ref = 500
    dropped = 1 + np.arange(n_peaks)
    lines = draws.OF_LINES + n_peaks + np.arange(max(n_peaks, 4 * n_ref - n_peaks))
    used = np.concatenate([[0], dropped, [n_peaks + draws.OF_ACCEPTANCE], lines])
    assert len(np.unique(used)) == len(used)
    assert used.max() < draws.per_iteration(n_peaks, n_ref)


def dropped(candidate, probability, n_drop, counter=11):
    """Which peaks the compiled function leaves out."""
    weight = np.arange(1.0, 1 + len(probability))
    key = np.empty(len(probability))
    seed = np.uint64(3)
    draws.drop(seed, np.uint64(candidate), np.uint64(counter), weight, probability, n_drop, key)
    assert (weight[weight > 0] == np.flatnonzero(weight > 0) + 1).all()  # the others keep theirs
    return np.flatnonzero(weight == 0)


def test_peaks_left_out_are_those_of_the_largest_exponential_draws():
    probability = np.random.default_rng(0).uniform(0.05, 1, 20)
    counters = np.uint64(11) + np.arange(20, dtype=np.uint64)
    for candidate in range(30):
        luck = draws.hashed_uniform(np.uint64([3]), np.uint64([candidate]), counters)
        key = -np.log(luck) / probability
        for n_drop in (0, 1, 5, 19):
            expected = np.sort(np.argsort(-key)[:n_drop])
            np.testing.assert_array_equal(dropped(candidate, probability, n_drop), expected)


def test_of_two_peaks_the_one_left_out_follows_the_ratio_of_their_doubts():
    probability = np.array([0.2, 0.8])
    first = np.mean([dropped(candidate, probability, 1)[0] == 0 for candidate in range(4000)])
    assert abs(first - 0.8) < 0.025  # of two exponential waiting times the slower is the longer
