"""The network that says which Miller indices belong to the peaks of a candidate cell (write-up,
section 2.3).

It is trained in `ddi.models.assignment_training`, which imports TensorFlow; here it is numpy and a
file of weights. A lattice system has a series of networks, from those for large errors of the cell
to those for small ones (`load_series`). Simpler ways of assigning are in `ddi.models.assigners`.
"""

from dataclasses import dataclass, field

import numpy as np

from ddi import __version__
from ddi.base.errors import DDIError
from ddi.base.files import atomic
from ddi.models import dense
from ddi.models.assigners import Assigner, LinePrior, closeness, ranks

FORMAT = 1  # of the files of weights


LEVELS = ("predicted", "0.1", "0.05", "0.025", "0.01")
"""The series of section 2.3.3, from coarse to fine: cells predicted by the variance networks, then
Gaussian noise on scaled cells.
"""


def path_of(study, system, level, literal=False):
    """Return where a study keeps the assignment network of a lattice system for a level of error
    (`LEVELS`): that on a line prior or, literal, that of section 2.3.3 as it stands.
    """
    return study.models / file_name(system, level, literal)


def file_name(system, level, literal=False):
    """Return the name of the file at `path_of`."""
    return f"{'assign_literal' if literal else 'assign'}_{system}_{level}.npz"


@dataclass(eq=False)
class AssignmentNetwork(Assigner):
    """Hidden layers with one kernel over all peaks, then a softmax head for each peak (section
    2.3.3).

    Attributes
    ----------
    system : str
    reference : ndarray of int, shape (n_ref, 3)
        With the order of the training data; the last is (000).
    width : float
        epsilon in A^-2: that of section 2.3.3, in units of scaled q2, times the scaler's standard
        deviation.
    level : str
        What the training cells were: "predicted", or the Gaussian noise on scaled cells such as
        "0.05".
    weights : list of ndarray
        Kernel, bias, gain, offset of each block, then the heads' kernels (n_peaks, n_units, n_ref)
        and biases (n_peaks, 1, n_ref).
    trained_on : str
        Digest of the training data.
    prior : LinePrior, optional
        Its logits are added to the network's, which then only has to learn what a line's distance
        and frequency do not tell. Not in the write-up.
    """

    system: str
    reference: np.ndarray
    width: float
    level: str
    weights: list = field(default=None, repr=False)
    trained_on: str = ""
    prior: LinePrior = None

    def logits(self, delta):
        """Return log-probabilities up to a constant, shape (n_candidates, n_peaks, n_ref), from
        pairwise differences in A^-2.
        """
        *blocks, kernels, biases = self.weights
        n_candidates, n_peaks, n_ref = delta.shape
        hidden = closeness(delta, self.width).reshape(-1, n_ref)
        for layer in zip(*[iter(blocks)] * 4):
            hidden = dense.hidden(dense.Numpy, hidden, layer)
        by_peak = hidden.reshape(n_candidates, n_peaks, -1).swapaxes(0, 1)
        head = ranks(n_peaks, len(kernels))
        output = (by_peak @ kernels[head] + biases[head]).swapaxes(0, 1)
        return output + self.prior.logits(delta) if self.prior else output

    def save(self, path):
        """Write everything `load` needs as one .npz; kernels in half precision, to which training
        rounds them.
        """
        content = {
            f"weight_{i:02d}": weight.astype(np.float16) for i, weight in enumerate(self.weights)
        }
        about = {name: getattr(self, name) for name in ("system", "width", "level", "trained_on")}
        about |= {"format": FORMAT, "version": __version__, "has_prior": self.prior is not None}
        if self.prior:
            about |= {"log_prior": self.prior.log_prior, "prior_width": self.prior.width}
        with atomic(path) as temporary:
            np.savez_compressed(
                temporary, reference=self.reference.astype(np.int8), **about, **content
            )

    @classmethod
    def load(cls, path, system=None):
        """Read a network.

        Parameters
        ----------
        path : str or Path
        system : str, optional
            The lattice system it has to be for.

        Raises
        ------
        DDIError
            If the file is missing, is no assignment network of this format, or is for another
            lattice system.
        """
        content = _read(path, system, "width", "level", "trained_on", "weight_")
        weights = [
            content[name].astype(np.float32)
            for name in sorted(content)
            if name.startswith("weight_")
        ]
        reference = content["reference"]
        if weights[0].shape[0] != len(reference) or weights[-1].shape[-1] != len(reference):
            raise DDIError(
                f"{path}: its weights and its {len(reference)} reference indices do not fit; "
                "run notebook 08 again"
            )
        prior = load_prior(path) if content["has_prior"] else None
        return cls(
            content["system"],
            reference,
            content["width"],
            content["level"],
            weights,
            content["trained_on"],
            prior,
        )


def load_prior(path, system=None):
    """Return the `LinePrior` that a network stands on, and read nothing else of its file; refuses
    what `AssignmentNetwork.load` refuses.
    """
    content = _read(path, system, "log_prior", "prior_width")
    if not content["has_prior"]:
        raise DDIError(f"{path} was trained without a line prior; take the file of another level")
    return LinePrior(
        content["system"], content["reference"], content["log_prior"], content["prior_width"]
    )


def _read(path, system, *wanted):
    """Read format, system, reference, and what else starts with a wanted name."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = [
                name
                for name in archive.files
                if name.startswith(("format", "system", "reference", "has_prior", *wanted))
            ]
            content = {
                name: archive[name].item() if archive[name].ndim == 0 else archive[name]
                for name in names
            }
    except FileNotFoundError as error:
        raise DDIError(
            f"{path} does not exist; run notebook 08 to train the assignment networks"
        ) from error
    except Exception as error:  # a damaged archive raises any of half a dozen kinds
        raise DDIError(
            f"{path} is no assignment network ({error}); run notebook 08 again"
        ) from error
    if content.get("format") != FORMAT:
        raise DDIError(
            f"{path} has format {content.get('format')}, this version reads {FORMAT}; "
            "run notebook 08 again"
        )
    if system not in (None, content["system"]):
        raise DDIError(
            f"{path} assigns {content['system']} indices, not {system} ones; "
            "give the file of that system"
        )
    return content | {"reference": content["reference"].astype(int)}
