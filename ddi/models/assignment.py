"""Which Miller indices belong to the peaks, given a candidate cell (write-up, section 2.3): nearest
lines, and the network.

The network is trained in `ddi.models.assignment_training`, which imports TensorFlow; here it is
only numpy, and a file of weights. What costs less and knows nearly as much is in
`ddi.models.assigners`.
"""

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from scipy.special import erf

from ddi import __version__
from ddi.base.errors import DDIError
from ddi.base.files import atomic
from ddi.models.assigners import Assigner, LinePrior, closeness, ranks


def nearest(q2_obs, x, H_ref):
    """Return the label of the reference line nearest to each peak, for many candidate cells.

    Parameters
    ----------
    q2_obs : array_like, shape (n_peaks,)
        Observed 1/d^2 in A^-2.
    x : array_like, shape (n_candidates, n_free)
        Free components of the reciprocal metric, A^-2.
    H_ref : array_like, shape (n_ref, n_free)
        ``ddi.forward.lattice.design(reference, system)``; rows of zeros, such as that of (000), are
        never the answer.

    Returns
    -------
    ndarray of int64, shape (n_candidates, n_peaks)

    Notes
    -----
    One pass over the lines of a candidate sorts them into the gaps between peaks and keeps the
    lowest and the highest line of each gap, so the pairwise array is never made: memory is that of
    the answer.
    """
    order = np.argsort(q2_obs, kind="stable")
    peaks = np.ascontiguousarray(np.asarray(q2_obs, dtype=float)[order])
    found = _nearest(
        peaks, np.ascontiguousarray(x, dtype=float), np.ascontiguousarray(H_ref, dtype=float)
    )
    answer = np.empty_like(found)
    answer[:, order] = found
    return answer


@njit(cache=True, nogil=True)
def _nearest(peaks, x, H):
    n_peaks = len(peaks)
    n_ref = len(H)
    n_free = H.shape[1]
    bins = 512
    per_bin = (bins - 1) / peaks[-1]
    gap_of_bin = np.searchsorted(peaks, np.arange(bins) / per_bin)
    found = np.full((len(x), n_peaks), n_ref - 1)
    low_q2 = np.empty(n_peaks + 1)
    high_q2 = np.empty(n_peaks + 1)
    low = np.empty(n_peaks + 1, np.int64)
    high = np.empty(n_peaks + 1, np.int64)
    for candidate in range(len(x)):
        # the lowest and the highest line of each gap
        low_q2[:] = np.inf
        high_q2[:] = -np.inf
        for line in range(n_ref):
            q2 = 0.0
            for k in range(n_free):
                q2 += H[line, k] * x[candidate, k]
            if not q2 > 0:
                continue
            gap = gap_of_bin[min(bins - 1, int(min(q2, peaks[-1]) * per_bin))]
            while gap < n_peaks and peaks[gap] < q2:
                gap += 1
            if q2 < low_q2[gap]:
                low_q2[gap] = q2
                low[gap] = line
            if q2 > high_q2[gap]:
                high_q2[gap] = q2
                high[gap] = line
        for gap in range(
            n_peaks - 1, -1, -1
        ):  # an empty gap has the next one's lowest line above it
            if low_q2[gap + 1] < low_q2[gap]:
                low_q2[gap] = low_q2[gap + 1]
                low[gap] = low[gap + 1]
        for peak in range(n_peaks):
            if peak > 0 and high_q2[peak - 1] > high_q2[peak]:
                high_q2[peak] = high_q2[peak - 1]
                high[peak] = high[peak - 1]
            below = peaks[peak] - high_q2[peak]
            above = low_q2[peak + 1] - peaks[peak]
            if below <= above and below < np.inf:
                found[candidate, peak] = high[peak]
            elif above < np.inf:
                found[candidate, peak] = low[peak + 1]
    return found


FORMAT = 1  # of the files of weights


def path_of(study, system, level):
    """Return where a study keeps the assignment network of a lattice system for a level of error,
    such as "0.05" or "network".
    """
    return study.models / f"assign_{system}_{level}.npz"


@dataclass(eq=False)
class AssignmentNetwork(Assigner):
    """The write-up's network (section 2.3.3): blocks with one kernel over peaks, then a softmax
    head for each peak.

    Attributes
    ----------
    system : str
    reference : ndarray of int, shape (n_ref, 3)
        With the order of the training data; the last is (000).
    width : float
        epsilon in A^-2: the write-up's epsilon (in units of scaled q2) times the scaler's standard
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
        for kernel, bias, gain, offset in zip(*[iter(blocks)] * 4):
            hidden = _gelu(_normalise(hidden @ kernel + bias) * gain + offset)
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
                f"{path}: its weights and its {len(reference)} reference indices do not fit; run notebook 08 again"
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
            f"{path} has format {content.get('format')}, this version reads {FORMAT}; run notebook 08 again"
        )
    if system not in (None, content["system"]):
        raise DDIError(
            f"{path} assigns {content['system']} indices, not {system} ones; give the file of that system"
        )
    return content | {"reference": content["reference"].astype(int)}


def _normalise(hidden):
    centred = hidden - hidden.mean(axis=-1, keepdims=True)
    return centred / np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + np.float32(1e-3))


def _gelu(hidden):
    return 0.5 * hidden * (1 + erf(hidden * np.float32(0.5**0.5)))
