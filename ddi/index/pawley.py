"""The normal equations of a whole-pattern fit, compiled.

A line is a pseudo-Voigt profile of unit area, so that amplitudes are integrated intensities. A
point sees only the lines near it: their derivatives enter the normal matrix as one outer product a
point, and most of the block of the amplitudes stays zero.
"""

from typing import NamedTuple

import numba
import numpy as np

_LN2 = np.log(2.0)
_jit = numba.njit(cache=True, nogil=True, error_model="numpy")


class Components(NamedTuple):
    """Profiles in ascending order of their centres: each line, and its K-alpha2 companion.

    Attributes
    ----------
    centre, fwhm : ndarray, shape (n,)
        Degrees 2theta.
    share : ndarray, shape (n,)
        Of its column's amplitude; 1/2 for a K-alpha2 companion, less where lines share a column.
    column : ndarray of int, shape (n,)
    shift : ndarray, shape (n, n_moving)
        Derivative of the centre by each parameter that moves it.
    broaden : ndarray, shape (n, 3)
        Derivative of the FWHM by the three width parameters.
    """

    centre: np.ndarray
    fwhm: np.ndarray
    share: np.ndarray
    column: np.ndarray
    shift: np.ndarray
    broaden: np.ndarray


@_jit
def pseudo_voigt(distance, fwhm, eta):
    """Return the value of a profile of unit area and its derivatives by centre, FWHM and eta.

    Parameters
    ----------
    distance : float
        From the centre, in degrees.
    fwhm : float
        Degrees.
    eta : float
        Share of the Lorentz curve.
    """
    u = distance / fwhm
    bell = 1.0 / (1.0 + 4.0 * u * u)
    lorentz = 2.0 / np.pi / fwhm * bell
    gauss = 2.0 * np.sqrt(_LN2 / np.pi) / fwhm * np.exp(-4.0 * _LN2 * u * u) if abs(u) < 4 else 0.0
    value = eta * lorentz + (1.0 - eta) * gauss
    by_centre = 8.0 * u / fwhm * (eta * lorentz * bell + (1.0 - eta) * _LN2 * gauss)
    return value, by_centre, u * by_centre - value / fwhm, lorentz - gauss


@_jit
def assemble(x, y, weight, parts, eta, reach, amplitude, level, knots, normal, gradient, model):
    """Fill the lower triangle of the normal matrix and the gradient; return the weighted misfit.

    Columns are the amplitudes, then the background's levels at its knots, then the parameters that
    move lines, three of their widths, and eta.

    Parameters
    ----------
    x, y, weight : ndarray, shape (n_points,)
        Degrees in equal steps, intensity, and one over its variance.
    parts : Components
    eta : float
    reach : float
        FWHM beyond which a profile is taken for zero.
    amplitude, level : ndarray
        Present amplitudes (n_columns,) and background levels (n_knots,).
    knots : ndarray, shape (n_knots,)
        Degrees, in equal steps from the first point to the last.
    normal, gradient : ndarray, shape (n, n), (n,)
        Overwritten.
    model : ndarray, shape (n_points,)
        Overwritten with the calculated pattern.

    Returns
    -------
    float
    """
    n_columns = amplitude.size
    n_knots = level.size
    n_moving = parts.shift.shape[1]
    first_shape = n_columns + n_knots
    n = first_shape + n_moving + 4
    normal[:] = 0.0
    gradient[:] = 0.0
    row = np.zeros(n)
    touched = np.empty(n, dtype=np.int64)
    spacing = (knots[-1] - knots[0]) / (n_knots - 1)
    low = 0
    misfit = 0.0
    for i in range(x.size):
        while low < parts.centre.size and parts.centre[low] + reach * parts.fwhm[low] < x[i]:
            low += 1
        n_touched = 0
        model[i] = 0.0
        c = low
        while c < parts.centre.size and parts.centre[c] - reach * parts.fwhm[c] < x[i]:
            column = parts.column[c]
            value, by_centre, by_fwhm, by_eta = pseudo_voigt(
                x[i] - parts.centre[c], parts.fwhm[c], eta
            )
            height = parts.share[c] * amplitude[column]
            if row[column] == 0.0:
                touched[n_touched] = column
                n_touched += 1
            row[column] += parts.share[c] * value + 1e-300
            model[i] += height * value
            for k in range(n_moving):
                row[first_shape + k] += height * by_centre * parts.shift[c, k]
            for k in range(3):
                row[first_shape + n_moving + k] += height * by_fwhm * parts.broaden[c, k]
            row[n - 1] += height * by_eta
            c += 1
        knot = min(int((x[i] - knots[0]) / spacing), n_knots - 2)
        along = (x[i] - knots[knot]) / spacing
        row[n_columns + knot] = 1.0 - along
        row[n_columns + knot + 1] = along
        model[i] += level[knot] * (1.0 - along) + level[knot + 1] * along
        touched[n_touched] = n_columns + knot
        touched[n_touched + 1] = n_columns + knot + 1
        n_touched += 2
        for k in range(first_shape, n):
            touched[n_touched] = k
            n_touched += 1
        left = y[i] - model[i]
        misfit += weight[i] * left * left
        for a in range(n_touched):
            j = touched[a]
            scaled = weight[i] * row[j]
            gradient[j] += scaled * left
            for b in range(n_touched):
                k = touched[b]
                if k <= j:
                    normal[j, k] += scaled * row[k]
        for a in range(n_touched):
            row[touched[a]] = 0.0
    return misfit


@_jit
def factorise(normal, ridge, first, scale):
    """Replace the lower triangle of the normal matrix, scaled to a diagonal of one plus `ridge`, by
    its Cholesky factor, which is zero wherever a row has not begun.

    Parameters
    ----------
    normal : ndarray, shape (n, n)
        Overwritten.
    ridge : float
    first : ndarray of int, shape (n,)
        Filled with the column where each row begins.
    scale : ndarray, shape (n,)
        Filled with one over the root of the diagonal.
    """
    n = scale.size
    for i in range(n):
        scale[i] = 1.0 / np.sqrt(normal[i, i]) if normal[i, i] > 0 else 1.0
    for i in range(n):
        first[i] = i
        for j in range(i + 1):
            if normal[i, j] != 0.0:
                first[i] = j
                break
        for j in range(first[i], i):
            total = normal[i, j] * scale[i] * scale[j]
            for k in range(max(first[i], first[j]), j):
                total -= normal[i, k] * normal[j, k]
            normal[i, j] = total / normal[j, j]
        total = 1.0 + ridge
        for k in range(first[i], i):
            total -= normal[i, k] * normal[i, k]
        normal[i, i] = np.sqrt(max(total, ridge))


@_jit
def solve_factorised(factor, first, scale, right):
    """Overwrite `right`, shape (n,), with the solution of the normal equations."""
    n = right.size
    for i in range(n):
        total = right[i] * scale[i]
        for k in range(first[i], i):
            total -= factor[i, k] * right[k]
        right[i] = total / factor[i, i]
    for i in range(n - 1, -1, -1):
        right[i] /= factor[i, i]
        for k in range(first[i], i):
            right[k] -= factor[i, k] * right[i]
    for i in range(n):
        right[i] *= scale[i]


@_jit
def invert_factorised(factor, first, scale, inverse):
    """Fill `inverse`, shape (n, n)."""
    n = scale.size
    for j in range(n):
        for i in range(n):
            inverse[j, i] = 1.0 if i == j else 0.0
        solve_factorised(factor, first, scale, inverse[j])
