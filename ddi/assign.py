"""Which Miller indices belong to the peaks, given a candidate cell (write-up, section 2.3).

Three answers, from cheap to dear: the nearest line; the nearest line weighed by how often each peak of a real pattern carries
each index (`LinePrior`, this package's control); and the write-up's network (`AssignmentNetwork`). All of them know a lattice
system's reference indices and speak in labels, the positions in that list; axis order is (n_candidates, n_peaks, n_ref).

The network is trained in `ddi.assign_train`, which imports TensorFlow; here it is only numpy, and a file of weights.
"""

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from scipy.special import erf
from threadpoolctl import threadpool_limits

from ddi import __version__, lattice
from ddi.errors import DDIError
from ddi.files import atomic

CHUNK = 64  # candidates whose pairwise array, 64 x 20 x 500 float32, is in memory at a time


def nearest(q2_obs, x, H_ref):
    """Return the label of the reference line nearest to each peak, for many candidate cells.

    Parameters
    ----------
    q2_obs : array_like, shape (n_peaks,)
        Observed 1/d^2 in A^-2.
    x : array_like, shape (n_candidates, n_free)
        Free components of the reciprocal metric, A^-2.
    H_ref : array_like, shape (n_ref, n_free)
        ``ddi.lattice.design(reference, system)``; rows of zeros, such as that of (000), are never the answer.

    Returns
    -------
    ndarray of int64, shape (n_candidates, n_peaks)

    Notes
    -----
    One pass over the lines of a candidate sorts them into the gaps between peaks and keeps the lowest and the highest line of
    each gap, so the pairwise array is never made: memory is that of the answer.
    """
    order = np.argsort(q2_obs, kind="stable")
    peaks = np.ascontiguousarray(np.asarray(q2_obs, dtype=float)[order])
    found = _nearest(peaks, np.ascontiguousarray(x, dtype=float), np.ascontiguousarray(H_ref, dtype=float))
    answer = np.empty_like(found)
    answer[:, order] = found
    return answer


@njit(cache=True, nogil=True)
def _nearest(peaks, x, H):
    n_peaks, n_ref, n_free = len(peaks), len(H), H.shape[1]
    bins = 512
    per_bin = (bins - 1) / peaks[-1]
    gap_of_bin = np.searchsorted(peaks, np.arange(bins) / per_bin)
    found = np.full((len(x), n_peaks), n_ref - 1)
    low_q2, high_q2 = np.empty(n_peaks + 1), np.empty(n_peaks + 1)
    low, high = np.empty(n_peaks + 1, np.int64), np.empty(n_peaks + 1, np.int64)
    for candidate in range(len(x)):
        low_q2[:], high_q2[:] = np.inf, -np.inf  # the lowest and the highest line of each gap
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
                low_q2[gap], low[gap] = q2, line
            if q2 > high_q2[gap]:
                high_q2[gap], high[gap] = q2, line
        for gap in range(n_peaks - 1, -1, -1):  # an empty gap has the next one's lowest line above it
            if low_q2[gap + 1] < low_q2[gap]:
                low_q2[gap], low[gap] = low_q2[gap + 1], low[gap + 1]
        for peak in range(n_peaks):
            if peak > 0 and high_q2[peak - 1] > high_q2[peak]:
                high_q2[peak], high[peak] = high_q2[peak - 1], high[peak - 1]
            below, above = peaks[peak] - high_q2[peak], low_q2[peak + 1] - peaks[peak]
            if below <= above and below < np.inf:
                found[candidate, peak] = high[peak]
            elif above < np.inf:
                found[candidate, peak] = low[peak + 1]
    return found


def pairwise(q2_obs, x, H_ref):
    """Return q2_obs - q2_ref in A^-2, shape (n_candidates, n_peaks, n_ref), float32.

    `q2_obs` is one pattern, shape (n_peaks,), or one a candidate, shape (n_candidates, n_peaks).
    """
    q2_ref = (np.asarray(x) @ np.asarray(H_ref).T).astype(np.float32)
    return np.asarray(q2_obs, dtype=np.float32)[..., :, None] - q2_ref[:, None, :]


def closeness(delta, width):
    """Return width / (|delta| + width), in (0, 1]: the network's input (section 2.3.3), `width` being epsilon in A^-2."""
    return np.float32(width) / (np.abs(delta) + np.float32(width))


def softmax(logits):
    """Return probabilities over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


class Assigner:
    """What the ways of assigning share: from log-probabilities, in chunks, to labels and confidences.

    A subclass has `system`, `reference` (n_ref, 3) and `logits(delta) -> (n_candidates, n_peaks, n_ref)`, where delta are
    pairwise differences in A^-2.
    """

    def H_ref(self):
        """Return the design matrix of the reference list, shape (n_ref, n_free)."""
        return lattice.design(self.reference, self.system)

    def _chunks(self, q2_obs, x):
        x, H = np.atleast_2d(x), self.H_ref()
        q2_obs = np.broadcast_to(q2_obs, (len(x), np.shape(q2_obs)[-1]))
        # One BLAS thread: the products are small, and threads that wait for each other on a busy machine cost 100 times more.
        with threadpool_limits(1, user_api="blas"):
            for start in range(0, len(x), CHUNK):
                chosen = slice(start, start + CHUNK)
                yield self.logits(pairwise(q2_obs[chosen], x[chosen], H))

    def probabilities(self, q2_obs, x):
        """Return the probability of every label of every peak.

        Parameters
        ----------
        q2_obs : array_like, shape (n_peaks,) or (n_candidates, n_peaks)
            A^-2, ascending: a peak's rank counts.
        x : array_like, shape (n_candidates, n_free)
            A^-2.

        Returns
        -------
        ndarray of float32, shape (n_candidates, n_peaks, n_ref)
        """
        return np.concatenate([softmax(logits) for logits in self._chunks(q2_obs, x)])

    def predict(self, q2_obs, x):
        """Return the most probable label of every peak and its probability, both (n_candidates, n_peaks); takes what `probabilities` takes."""
        labels, confidence = [], []
        for logits in self._chunks(q2_obs, x):
            labels.append(logits.argmax(axis=-1))
            confidence.append(1 / np.exp(logits - logits.max(axis=-1, keepdims=True)).sum(axis=-1))
        return np.concatenate(labels), np.concatenate(confidence)

    def top(self, q2_obs, x, k=5):
        """Return the k most probable labels of every peak, best first, shape (n_candidates, n_peaks, k)."""
        return np.concatenate([_top(logits, k) for logits in self._chunks(q2_obs, x)])


def _top(score, k):
    best = np.argpartition(score, -k, axis=-1)[..., -k:]
    order = np.argsort(-np.take_along_axis(score, best, axis=-1), axis=-1, kind="stable")
    return np.take_along_axis(best, order, axis=-1)


@dataclass
class NearestLine(Assigner):
    """The nearest line, in the same interface; its confidence is a soft minimum with the scale `width` in A^-2.

    For speed alone, `nearest` is the function to call.
    """

    system: str
    reference: np.ndarray
    width: float = 1e-3

    def logits(self, delta):
        """Return -|delta| / width; (000) is never chosen."""
        score = -np.abs(delta) / np.float32(self.width)
        score[..., ~self.reference.any(axis=1)] = -1e9
        return score


@dataclass
class LinePrior(Assigner):
    """Nearest line and base rate: the frequency of each label at each rank of the peaks, times a Laplace law of q2's error.

    The error of a line grows with q2 (a relative error of the cell is one of q2), so the law's scale is `width` times q2 of the
    line. This is the naive Bayes control beside the network: it knows which lines crystals show, and nothing of their neighbours.

    Attributes
    ----------
    log_prior : ndarray, shape (n_peaks, n_ref)
    width : float
        Mean of |delta| / q2_ref of the true lines, the maximum-likelihood scale of the Laplace law.
    """

    system: str
    reference: np.ndarray
    log_prior: np.ndarray = None
    width: float = None

    def fit(self, q2_obs, labels, x):
        """Learn from training patterns (n, n_peaks), their labels (n, n_peaks) and erring cells x (n, n_free)."""
        n_peaks, n_ref = labels.shape[1], len(self.reference)
        counts = np.stack([np.bincount(labels[:, rank], minlength=n_ref) for rank in range(n_peaks)]).astype(float)
        near = np.exp(-0.5 * np.subtract.outer(np.arange(n_peaks), np.arange(n_peaks)) ** 2)  # neighbouring ranks share their counts
        smooth = near @ counts / near.sum(axis=1, keepdims=True) + 0.5
        self.log_prior = np.log(smooth / smooth.sum(axis=1, keepdims=True)).astype(np.float32)
        line = np.einsum("npf,nf->np", self.H_ref()[labels], x)
        listed = labels < n_ref - 1
        self.width = float(np.mean(np.abs(q2_obs - line)[listed] / np.maximum(line[listed], 1e-9)).clip(1e-6, 1))
        return self

    def logits(self, delta):
        """Return log prior + log likelihood; (000) has the prior and the mean likelihood of missing a line by once its width."""
        # delta = q2_obs - q2_ref, and (000)'s q2 is zero: its column holds q2_obs.
        q2_obs = delta[..., -1:]
        q2_ref = np.maximum(q2_obs - delta, 1e-6)
        q2_ref[..., -1:] = q2_obs
        miss = np.abs(delta) / q2_ref
        miss[..., -1] = self.width
        return self.log_prior - miss / np.float32(self.width) - np.log(q2_ref)


FORMAT = 1  # of the files of weights


@dataclass
class AssignmentNetwork(Assigner):
    """The write-up's network (section 2.3.3): blocks with one kernel over peaks, then a softmax head for each peak.

    Attributes
    ----------
    system : str
    reference : ndarray of int, shape (n_ref, 3)
        With the order of the training data; the last is (000).
    width : float
        epsilon in A^-2: the write-up's epsilon (in units of scaled q2) times the scaler's standard deviation.
    level : str
        What the training cells were: "predicted", or the Gaussian noise on scaled cells such as "0.05".
    weights : list of ndarray
        Kernel, bias, gain, offset of each block, then the heads' kernels (n_peaks, n_units, n_ref) and biases (n_peaks, 1, n_ref).
    trained_on : str
        Digest of the training data.
    prior : LinePrior, optional
        Its logits are added to the network's, which then only has to learn what a line's distance and frequency do not tell.
        Not in the write-up.
    """

    system: str
    reference: np.ndarray
    width: float
    level: str
    weights: list = field(default=None, repr=False)
    trained_on: str = ""
    prior: LinePrior = None

    def logits(self, delta):
        """Return log-probabilities up to a constant, shape (n_candidates, n_peaks, n_ref), from pairwise differences in A^-2."""
        *blocks, kernels, biases = self.weights
        n_candidates, n_peaks, n_ref = delta.shape
        hidden = closeness(delta, self.width).reshape(-1, n_ref)
        for kernel, bias, gain, offset in zip(*[iter(blocks)] * 4):
            hidden = _gelu(_normalise(hidden @ kernel + bias) * gain + offset)
        by_peak = hidden.reshape(n_candidates, n_peaks, -1).swapaxes(0, 1)
        output = (by_peak @ kernels + biases).swapaxes(0, 1)
        return output + self.prior.logits(delta) if self.prior else output

    def save(self, path):
        """Write everything `load` needs as one .npz; kernels in half precision, to which training rounds them."""
        content = {f"weight_{i:02d}": weight.astype(np.float16) for i, weight in enumerate(self.weights)}
        about = {"format": FORMAT, "system": self.system, "width": self.width, "level": self.level, "trained_on": self.trained_on, "version": __version__}
        if self.prior:
            about |= {"log_prior": self.prior.log_prior, "prior_width": self.prior.width}
        with atomic(path) as temporary:
            np.savez_compressed(temporary, reference=self.reference.astype(np.int8), **about, **content)

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
            If the file is missing, is no assignment network of this format, or is for another lattice system.
        """
        content = _read(path)
        if system not in (None, content["system"]):
            raise DDIError(f"{path} assigns {content['system']} indices, not {system} ones; give the file of that system")
        weights = [content[name].astype(np.float32) for name in sorted(content) if name.startswith("weight_")]
        reference = content["reference"].astype(int)
        if weights[0].shape[0] != len(reference) or weights[-1].shape[-1] != len(reference):
            raise DDIError(f"{path}: its weights and its {len(reference)} reference indices do not fit; run notebook 08 again")
        prior = LinePrior(content["system"], reference, content["log_prior"], content["prior_width"]) if "log_prior" in content else None
        return cls(content["system"], reference, content["width"], content["level"], weights, content["trained_on"], prior)


def _read(path):
    try:
        with np.load(path, allow_pickle=False) as archive:
            content = {name: archive[name].item() if archive[name].ndim == 0 else archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise DDIError(f"{path} does not exist; run notebook 08 to train the assignment networks") from error
    except Exception as error:  # a damaged archive raises any of half a dozen kinds
        raise DDIError(f"{path} is no assignment network ({error}); run notebook 08 again") from error
    if content.get("format") != FORMAT:
        raise DDIError(f"{path} has format {content.get('format')}, this version reads {FORMAT}; run notebook 08 again")
    return content


def _normalise(hidden):
    centred = hidden - hidden.mean(axis=-1, keepdims=True)
    return centred / np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + np.float32(1e-3))


def _gelu(hidden):
    return 0.5 * hidden * (1 + erf(hidden * np.float32(0.5**0.5)))
