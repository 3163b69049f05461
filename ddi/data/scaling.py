"""Scalers that bring peaks and cells to the scale of one (write-up, section 2.1.4).

Fit on the training entries of one lattice system; both go to a dictionary of arrays, for a model's
npz file, and back.
"""

from dataclasses import asdict, dataclass

import numpy as np

from ddi.forward import lattice


class _Stored:
    """To and from a flat dictionary of arrays."""

    def to_dict(self):
        """Return the numbers as arrays by name."""
        return {name: np.asarray(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, stored):
        """Make a scaler again from what `to_dict` returned, or from an opened npz file that holds
        it.
        """
        return cls(**{name: np.asarray(stored[name])[()] for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Q2Scaler(_Stored):
    """One mean and one standard deviation, in A^-2, for all peaks of all entries."""

    mean: float
    std: float

    @classmethod
    def fit(cls, q2):
        """Fit to q2, shape (n, n_peaks), in A^-2."""
        return cls(float(np.mean(q2)), _spread(q2))

    def forward(self, q2):
        """Return scaled peaks."""
        return (np.asarray(q2, dtype=float) - self.mean) / self.std

    def inverse(self, scaled):
        """Return q2 in A^-2."""
        return np.asarray(scaled, dtype=float) * self.std + self.mean


@dataclass(frozen=True)
class CellScaler(_Stored):
    """One mean and standard deviation for all lengths; angles from 90 degrees, over the spread of
    those that are not 90.

    Attributes
    ----------
    length_mean, length_std : float
        A.
    angle_std : float
        Radians.
    is_angle : ndarray of bool, shape (n_free,)
        Which of a lattice system's free parameters are angles.
    """

    length_mean: float
    length_std: float
    angle_std: float
    is_angle: np.ndarray

    @classmethod
    def fit(cls, free, system):
        """Fit to free cell parameters.

        Parameters
        ----------
        free : array_like, shape (n, n_free)
            As `ddi.forward.lattice.free_cell` gives them: A and degrees.
        system : str
        """
        free = np.asarray(free, dtype=float)
        is_angle = np.array(lattice.SYSTEM[system].free) >= 3
        lengths = free[:, ~is_angle]
        angles = np.radians(free[:, is_angle] - 90)
        return cls(float(lengths.mean()), _spread(lengths), _spread(angles[angles != 0]), is_angle)

    def forward(self, free):
        """Scale free cell parameters, shape (..., n_free)."""
        free = np.asarray(free, dtype=float)
        return np.where(
            self.is_angle,
            np.radians(free - 90) / self.angle_std,
            (free - self.length_mean) / self.length_std,
        )

    def inverse(self, scaled):
        """Return free cell parameters in A and degrees."""
        scaled = np.asarray(scaled, dtype=float)
        return np.where(
            self.is_angle,
            np.degrees(scaled * self.angle_std) + 90,
            scaled * self.length_std + self.length_mean,
        )


def _spread(values):
    """Return the standard deviation, or 1 where there is none to speak of."""
    spread = float(np.std(values)) if np.size(values) > 1 else 0.0
    return spread if spread > 1e-9 else 1.0
