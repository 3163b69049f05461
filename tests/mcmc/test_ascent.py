"""The likelihood through the assignment network: its value against numpy, its gradient against
differences, and that it climbs.
"""

import numpy as np
import pytest
from scipy.special import logsumexp, softmax

from ddi.forward import lattice
from ddi.forward.reflections import reference_hkl
from ddi.models.assigners import LinePrior
from ddi.models.assignment import AssignmentNetwork
from ddi.models.assignment_training import new_weights

pytest.importorskip("tensorflow")
CELL = np.array([6.3, 9.2, 11.4, 90, 90, 90])


def network(prior=True):
    reference = reference_hkl("orthorhombic")
    rng = np.random.default_rng(1)
    table = np.log(rng.dirichlet(np.ones(len(reference)), 20)).astype(np.float32)
    base = LinePrior("orthorhombic", reference, table, 0.02) if prior else None
    return AssignmentNetwork(
        "orthorhombic",
        reference,
        0.01,
        "0.05",
        new_weights(20, len(reference), rng, (16, 8)),
        "",
        base,
    )


def peaks():
    return np.unique(np.round(lattice.q2(reference_hkl("orthorhombic")[:-1], CELL), 9))[:20]


def starts(n=6, error=0.02):
    x = lattice.free_x(lattice.cell_to_x(CELL), "orthorhombic")
    return x * (1 + error * np.random.default_rng(0).standard_normal((n, len(x))))


@pytest.mark.parametrize("prior", [True, False])
def test_value_is_that_of_the_numpy_network_and_its_gradient_that_of_differences(prior):
    from ddi.mcmc.ascent import Ascent

    net = network(prior)
    q2 = peaks()
    x = starts()
    sigma = 0.03 * q2 + 1e-4
    value, gradient = Ascent(net).value_and_gradient(x, q2, sigma)

    def plain(x):
        delta = q2[:, None] - (x @ lattice.design(net.reference, "orthorhombic").T)[:, None, :]
        share = np.log(softmax(net.logits(delta).astype(float), axis=-1))
        line = -0.5 * (delta / sigma[:, None]) ** 2 - np.log(sigma[:, None] * np.sqrt(2 * np.pi))
        return logsumexp(share + line, axis=-1).sum(axis=-1)

    np.testing.assert_allclose(value, plain(x), atol=2e-3)
    for f in range(3):
        step = np.zeros(3)
        step[f] = 1e-4 * x[0, f]
        np.testing.assert_allclose(
            gradient[:, f],
            (plain(x + step) - plain(x - step)) / (2 * step[f]),
            rtol=0.05,
            atol=0.02 * np.abs(gradient).max(),
        )


def test_ascent_comes_nearer_to_the_true_cell_and_stays_in_bounds():
    from ddi.mcmc.ascent import Ascent

    true = lattice.free_x(lattice.cell_to_x(CELL), "orthorhombic")
    x = starts(30, 0.01)
    moved = Ascent(network(prior=False)).ascend(x, peaks())
    before, after = (np.abs(found / true - 1).max(axis=1) for found in (x, moved))
    assert np.median(after) < 0.3 * np.median(before)
    wild = np.array([[1e-9, 1e-9, 1e-9]])
    np.testing.assert_array_equal(Ascent(network()).ascend(wild, peaks(), n_steps=2), wild)
