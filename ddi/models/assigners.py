"""Ways of assigning Miller indices by statistics alone, and what they share with the network
(write-up, section 2.3).

`NearestLine` is the nearest line with a confidence. `LinePrior` weighs it by how often each peak of
a real pattern carries each index; it is this package's control beside the network, and the network
may stand on it. All know a lattice system's reference indices and speak in labels, the positions in
that list; axis order is (n_candidates, n_peaks, n_ref).
"""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from ddi.forward import lattice
from ddi.models.constants import CONSTANTS

WIDTHS = CONSTANTS.narrowest * 2.0 ** np.arange(CONSTANTS.n_widths)
"""Relative errors of q2 among which `AdaptivePrior` chooses."""


def pairwise(q2_obs, x, H_ref):
    """Return q2_obs - q2_ref in A^-2, shape (n_candidates, n_peaks, n_ref), float32.

    `q2_obs` is one pattern, shape (n_peaks,), or one a candidate, shape (n_candidates, n_peaks).
    """
    q2_ref = (np.asarray(x) @ np.asarray(H_ref).T).astype(np.float32)
    return np.asarray(q2_obs, dtype=np.float32)[..., :, None] - q2_ref[:, None, :]


def closeness(delta, width):
    """Return width / (|delta| + width), in (0, 1]: the network's input (section 2.3.3), `width`
    being epsilon in A^-2.
    """
    return np.float32(width) / (np.abs(delta) + np.float32(width))


def softmax(logits):
    """Return probabilities over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


class Assigner:
    """What the ways of assigning share: from log-probabilities, in chunks, to labels and
    confidences.

    A subclass has `system`, `reference` (n_ref, 3) and `logits(delta) -> (n_candidates, n_peaks,
    n_ref)`, where delta are pairwise differences in A^-2. `rounds` is how often it is used at most
    before nearest lines, where cells are solved for.
    """

    rounds = 4

    def H_ref(self):
        """Return the design matrix of the reference list, shape (n_ref, n_free)."""
        return lattice.design(self.reference, self.system)

    def _chunks(self, q2_obs, x):
        x = np.atleast_2d(x)
        H = self.H_ref()
        q2_obs = np.broadcast_to(q2_obs, (len(x), np.shape(q2_obs)[-1]))
        # One BLAS thread: the products are small, and threads that wait for each other on a busy
        # machine cost 100 times more.
        with threadpool_limits(1, user_api="blas"):
            for start in range(0, len(x), CONSTANTS.chunk):
                chosen = slice(start, start + CONSTANTS.chunk)
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
        """Return the most probable label of every peak and its probability, both (n_candidates,
        n_peaks); takes what `probabilities` takes.
        """
        labels = []
        confidence = []
        for logits in self._chunks(q2_obs, x):
            labels.append(logits.argmax(axis=-1))
            confidence.append(1 / np.exp(logits - logits.max(axis=-1, keepdims=True)).sum(axis=-1))
        return np.concatenate(labels), np.concatenate(confidence)

    def draw(self, q2_obs, x, rng):
        """Draw a label for every peak from its probabilities (section 2.4.3, resampling).

        Takes what `probabilities` takes, and a numpy generator.

        Returns
        -------
        labels : ndarray of int, shape (n_candidates, n_peaks)
        chance : ndarray of float32, shape (n_candidates, n_peaks)
            The probability of each label drawn.
        """
        labels = []
        chance = []
        for logits in self._chunks(q2_obs, x):
            given = softmax(logits)
            below = given.cumsum(axis=-1, dtype=float)
            level = rng.random((*given.shape[:2], 1)) * below[..., -1:]
            labels.append((below > level).argmax(axis=-1))
            chance.append(np.take_along_axis(given, labels[-1][..., None], -1)[..., 0])
        return np.concatenate(labels), np.concatenate(chance)

    def top(self, q2_obs, x, k=5):
        """Return the k most probable labels of every peak, best first, shape (n_candidates,
        n_peaks, k).
        """
        return np.concatenate([_top(logits, k) for logits in self._chunks(q2_obs, x)])


def _lines(assigner, labels, x):
    """q2 of the labelled lines, shape (n, n_peaks)."""
    return np.einsum("npf,nf->np", assigner.H_ref()[labels], x)


def _top(score, k):
    best = np.argpartition(score, -k, axis=-1)[..., -k:]
    order = np.argsort(-np.take_along_axis(score, best, axis=-1), axis=-1, kind="stable")
    return np.take_along_axis(best, order, axis=-1)


@dataclass
class NearestLine(Assigner):
    """The nearest line; its confidence is that of a Laplace law of the error.

    Attributes
    ----------
    width : float
        Scale of the law in A^-2: the mean |delta| of the true lines.
    """

    system: str
    reference: np.ndarray
    width: float = 1e-3

    def fit(self, q2_obs, labels, x):
        """Learn the width from patterns (n, n_peaks), their labels (n, n_peaks) and erring cells x
        (n, n_free), NaN where not drawn.
        """
        listed = labels < len(self.reference) - 1
        self.width = float(
            np.nanmean(np.abs(q2_obs - _lines(self, labels, x))[listed]).clip(1e-6, 1)
        )
        return self

    def logits(self, delta):
        """Return -|delta| / width; (000) is never chosen."""
        score = -np.abs(delta) / np.float32(self.width)
        score[..., ~self.reference.any(axis=1)] = -1e9
        return score


@dataclass
class LinePrior(Assigner):
    """Nearest line and base rate: the frequency of each label at each rank of the peaks, times a
    Laplace law of q2's error.

    The error of a line grows with q2 (a relative error of the cell is one of q2), so the law's
    scale is `width` times q2 of the line. This is the naive Bayes control beside the network: it
    uses how often crystals show a line, and nothing of the neighbouring lines.

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
        """Learn from training patterns (n, n_peaks), their labels (n, n_peaks) and erring cells x
        (n, n_free), NaN where not drawn.
        """
        n_peaks = labels.shape[1]
        n_ref = len(self.reference)
        counts = np.stack(
            [np.bincount(labels[:, rank], minlength=n_ref) for rank in range(n_peaks)]
        ).astype(float)
        apart = np.subtract.outer(np.arange(n_peaks), np.arange(n_peaks)) / CONSTANTS.shared_ranks
        near = np.exp(-0.5 * apart**2)  # neighbouring ranks share their counts
        smooth = near @ counts / near.sum(axis=1, keepdims=True) + CONSTANTS.pseudo_count
        self.log_prior = np.log(smooth / smooth.sum(axis=1, keepdims=True)).astype(np.float32)
        line = _lines(self, labels, x)
        listed = labels < n_ref - 1
        self.width = float(
            np.nanmean(np.abs(q2_obs - line)[listed] / np.maximum(line[listed], 1e-9)).clip(1e-6, 1)
        )
        return self

    def logits(self, delta):
        """Return log prior + log likelihood; (000) has the prior and the mean likelihood of missing
        a line by once its width.
        """
        miss, base = self._parts(delta)
        miss[..., -1] = self.width
        return base - miss / np.float32(self.width)

    def _parts(self, delta):
        """|delta| / q2_ref, and what does not depend on the width; q2_obs stands in for (000)'s q2,
        which is zero.
        """
        q2_obs = delta[..., -1:]
        q2_ref = np.maximum(q2_obs - delta, 1e-6)
        q2_ref[..., -1:] = q2_obs
        return np.abs(delta) / q2_ref, self.log_prior[
            ranks(delta.shape[1], len(self.log_prior))
        ] - np.log(q2_ref)


@dataclass
class AdaptivePrior(LinePrior):
    """A `LinePrior` that takes each candidate's width from the candidate: the one of `WIDTHS` that
    makes its peaks most probable.

    Generators draw cells that are nearly right and cells that are far off; one width for all would
    be wrong for both. It also narrows by itself as a candidate improves, so no series of widths is
    needed.
    """

    def logits(self, delta):
        """Return log prior + log likelihood at each candidate's own width."""
        miss, base = self._parts(delta)
        chosen = None
        most = -np.inf
        for width in np.float32(WIDTHS):
            logits = base - miss / width - np.log(width)
            logits[..., -1] = (
                base[..., -1] - np.log(WIDTHS[-1]) - 1
            )  # (000) is no line, and no narrower for a better cell
            top = logits.max(axis=-1, keepdims=True)
            evidence = (np.log(np.exp(logits - top).sum(axis=-1)) + top[..., 0]).sum(axis=-1)[
                :, None, None
            ]
            chosen = logits if chosen is None else np.where(evidence > most, logits, chosen)
            most = np.maximum(most, evidence)
        return chosen


def ranks(n_peaks, known):
    """Peaks beyond those that training saw are treated as the last of them."""
    return np.minimum(np.arange(n_peaks), known - 1)
