"""Solving with the lattice system known: chains propose, the search's ranking judges, and a search
knows when to end.
"""

import numpy as np
import pytest

from ddi.forward import bragg, lattice, relations
from ddi.forward.reflections import reference_hkl
from ddi.index import known as solve
from ddi.index import search
from ddi.mcmc import problem, running
from ddi.mcmc import sampler as mcmc
from ddi.mcmc import starts as svdindex
from ddi.mcmc.options import Plan
from ddi.study import convergence, eval_optimisation

TRUE = np.array([6.312, 9.187, 11.42, 90, 104.3, 90])
LONG = np.array([5.2, 6.9, 16.4, 90, 90, 90])


def lines(cell, system, centring="P"):
    """Exact positions of all lines that the reference indices reach."""
    hkl = reference_hkl(system)
    return np.unique(np.round(lattice.q2(hkl[problem.allowed(hkl, centring)][:-1], cell), 9))


def peaks_of(q2, noise=0.01, seed=3, **options):
    q2 = np.sort(
        q2 + bragg.sigma_q2(q2, noise) * np.random.default_rng(seed).standard_normal(len(q2))
    )
    return search.prepare(
        q2, bragg.sigma_q2(q2, max(noise, 0.005)), wavelength=bragg.CU_KALPHA1, **options
    )


def around(cell, n=60, error=0.02, seed=0):
    """Return a round's candidates: the cell, its lengths and free angles disturbed."""
    noise = 1 + error * np.random.default_rng(seed).standard_normal((n, 6)) * (cell != 90)
    return lambda number: cell * noise


def test_finds_a_cell_from_random_ones_whatever_the_number_of_threads():
    peaks = peaks_of(lines(TRUE, "monoclinic")[:40][np.arange(40) % 4 != 2])
    sample = svdindex.sampler(peaks.q2[:20], "monoclinic", 0, 40)
    one, two = (
        solve.solve(peaks, "monoclinic", sample, time_budget=60, max_rounds=2, n_jobs=jobs, seed=1)
        for jobs in (1, 2)
    )
    assert relations.same_lattice(one.rows[0].reduced, TRUE)
    assert [row.score for row in one.rows] == [row.score for row in two.rows]
    assert one.history[-1][1].bravais == "mP"


def test_supercell_is_found_though_no_chain_started_near_it():
    half = LONG * np.array([1, 1, 0.5, 1, 1, 1])
    peaks = peaks_of(lines(LONG, "orthorhombic")[:40])
    finds = solve.solve(peaks, "orthorhombic", around(half, error=0.001), max_rounds=1)
    assert relations.same_lattice(finds.rows[0].reduced, LONG)
    chains = mcmc.optimize(
        peaks.q2, around(half, error=0.001)(0), "orthorhombic", n_search=20, **solve.BEST
    )
    assert not any(relations.same_lattice(cell, LONG) for cell in chains.cells)
    assert not relations.same_lattice(finds.best_by_chains, LONG)


def test_first_forty_peaks_judge_what_twenty_found():
    even = lines(LONG * np.array([1, 1, 0.5, 1, 1, 1]), "orthorhombic")[:20]
    every = lines(LONG, "orthorhombic")
    q2 = np.concatenate(
        [even, every[every > even[-1]][:20]]
    )  # the odd layers show only beyond the twentieth peak
    sample = around(LONG * np.array([1, 1, 0.5, 1, 1, 1]))
    first = [
        solve.solve(peaks_of(q2[:n]), "orthorhombic", sample, max_rounds=1).rows[0].reduced
        for n in (20, 40)
    ]
    assert [relations.explain(cell, "P", LONG, "P")[0] for cell in first] == ["subcell", "correct"]


def test_zero_shift_is_fitted_where_a_prior_allows_it():
    q2 = lines(TRUE, "monoclinic")[:30]
    moved = q2 + 0.06 * bragg.q2_slope(q2, bragg.CU_KALPHA1)
    none, fitted = (
        solve.solve(
            peaks_of(moved, noise=0.003), "monoclinic", around(TRUE), zero=zero, max_rounds=1
        ).rows[0]
        for zero in (None, search.Zero())
    )
    assert relations.same_lattice(fitted.reduced, TRUE, length_tolerance=5e-4, angle_tolerance=0.05)
    assert not relations.same_lattice(
        none.reduced, TRUE, length_tolerance=5e-4, angle_tolerance=0.05
    )
    assert fitted.zero == pytest.approx(0.06, abs=0.01) and abs(none.zero) < 1e-6


@pytest.mark.parametrize(
    ("system", "bravais"),
    [("orthorhombic", "oF"), ("orthorhombic", "oC"), ("tetragonal", "tI"), ("cubic", "cF")],
)
def test_centring_is_named(system, bravais):
    cell = {
        "orthorhombic": np.array([6.21, 9.87, 14.3, 90, 90, 90]),
        "tetragonal": np.array([6.2, 6.2, 9.3, 90, 90, 90]),
    }.get(system)
    cell = np.array([9.4, 9.4, 9.4, 90, 90, 90]) if cell is None else cell
    found = solve.solve(
        peaks_of(lines(cell, system, bravais[1])[:30], n_peaks=lattice.N_PEAKS[system]),
        system,
        around(cell),
        max_rounds=1,
    ).rows[0]
    assert found.bravais == bravais and relations.same_lattice(found.reduced, cell, "P", bravais[1])


def test_chains_that_know_the_centring_arrive_from_further_off():
    cell = np.array([10.4, 16.7, 24.9, 90, 90, 90])
    q2 = lines(cell, "orthorhombic", "F")[:20]
    starts = around(cell, n=300, error=0.08)(0)
    arrived = {}
    for letter in "PF":
        known = problem.Problem(q2, "orthorhombic").centred(letter)
        plan = Plan.of(known, weights="coelho", accept="always", n_iterations=60, seed=1)
        state = running.start(known, starts, plan, merge_equal=False)
        running.run(known, state, plan)
        arrived[letter] = convergence.are_true(
            problem.polish(known, state.best_x)[0], "orthorhombic", cell
        ).mean()
    assert arrived["F"] > 1.3 * arrived["P"]


@pytest.mark.parametrize("system", lattice.SYSTEMS)
def test_half_of_the_starts_know_all_lines(system):
    deal = solve.start_centrings(system)
    assert set(deal) == set(problem.CENTRINGS.get(system, "P")) and deal[0] == "P"
    assert deal.count("P") * 2 == len(deal) or deal == "P"
    assert len(set(deal) - {"P"}) == len(deal) - deal.count("P")


def test_fewer_starts_than_centrings_and_starts_that_are_no_cells():
    peaks = peaks_of(lines(TRUE, "monoclinic")[:40])
    finds = solve.solve(peaks, "monoclinic", lambda number: TRUE[None], max_rounds=1)
    assert relations.same_lattice(finds.rows[0].reduced, TRUE)
    nothing = solve.solve(peaks, "monoclinic", lambda number: np.ones((2, 6)), max_rounds=1)
    assert nothing.rows == [] and nothing.rounds == 1 and nothing.history == []


def test_search_ends_when_one_lattice_keeps_coming_back():
    peaks = peaks_of(lines(TRUE, "monoclinic")[:40])
    good = mcmc.optimize(peaks.q2, TRUE[None], "monoclinic", n_search=20, n_iterations=5)
    poor = mcmc.optimize(
        peaks.q2,
        TRUE[None] * np.array([3, 1, 1, 1, 1.05, 1]),
        "monoclinic",
        n_search=20,
        n_iterations=0,
    )
    finds = solve.Finds(peaks, "monoclinic", search.Zero.known(0.0))
    for _ in range(4):
        finds.add(good)
    assert finds.confirmed == 3 and len(finds.history) == 1
    assert finds.certain(3, convincing=finds.reached - 1) and not finds.certain(
        3, convincing=finds.reached + 1
    )
    finds.add(poor)
    assert (
        finds.confirmed == 3 and finds.rounds == 5
    )  # a poorer cell neither confirms nor counts against
    assert relations.same_lattice(finds.rows[0].reduced, TRUE)


@pytest.mark.parametrize(
    ("bravais", "letter"),
    [("oC", "A"), ("oC", "B"), ("oC", "C"), ("mC", "A"), ("mC", "C"), ("mC", "I"), ("oF", "F")],
)
def test_true_lattice_has_the_face_whose_lines_are_there(bravais, letter):
    cell = TRUE if bravais == "mC" else np.array([6.1, 9.4, 12.7, 90, 90, 90])
    q2 = lines(cell, lattice.BRAVAIS[bravais][0], letter)[:30]
    assert relations.same_lattice(
        eval_optimisation.true_lattice(cell, bravais, q2), cell, "P", letter
    )
