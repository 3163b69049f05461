"""Where the lines of a candidate lie, for screening: positions only, row by row in blocks.

The lines are those of `ddi.forward.lines.enumerate_lines`, which also writes their indices. A row
of three or four lines ends in a branch that no processor predicts; here it is written in blocks of
`LANES`, and what stands beyond its end is overwritten by the next row. Screening the 640,000
templates of the example list takes 217 ms of CPU so, and 336 ms with `enumerate_lines` (2026-11).
"""

import numpy as np

from ddi.forward.lines import compiled

LANES = 4  # lines written at once; 2.6 to 4.0 a row in the search of the example list


@compiled
def _ks(form, rule, q2_max, h):
    """Return the first and the last k of the lines that begin with h."""
    reach = np.sqrt(max(q2_max - form.d_h * h * h, 0.0) / form.d_k)
    low = int(np.ceil(-form.hk * h - reach))
    high = int(np.floor(-form.hk * h + reach))
    if rule.k_from_zero or h == 0:
        low = max(low, 0)
    if rule.k_up_to_h:
        high = min(high, h)
    if rule.centring == 1 or rule.centring == 3:
        low += (h + low) & 1
    return low, high


@compiled
def _ls(form, rule, h, k, left):
    """Return the least and the largest l of the row h k, centring aside."""
    centre = form.kl * k + form.hl * h
    reach = np.sqrt(max(left, 0.0) / form.d_l)
    low = int(np.ceil(-centre - reach))
    high = int(np.floor(-centre + reach))
    if rule.l_from_zero or (rule.k_from_zero and h == 0):
        low = max(low, 0)
    if rule.l_up_to_k:
        high = min(high, k)
    if h == 0 and k == 0:
        low = max(low, 1)
    return low, high


@compiled
def _series(low, high, h, k, centring, second):
    """Return the first l from `low` on that the centring allows in the row h k, and how many there
    are up to `high`; an R lattice has a second series of them where h and k differ modulo 3.
    """
    if centring == 2 or centring == 3:
        first = low + ((low + k + (h if centring == 2 else 0)) & 1)
        return first, (high - first + 2) >> 1
    if centring == 4:
        first = low + ((k - h if second else h - k) - low) % 3
        return first, (high - first + 3) // 3
    return low, high - low + 1


@compiled
def positions(form, rule, q2_max, max_lines, q2):
    """Write the distinct lines up to q2_max (A^-2), in no order and without their indices.

    Parameters
    ----------
    form : ddi.forward.lines.Form
    rule : ddi.forward.lines.Rule
    q2_max : float
    max_lines : int
    q2 : ndarray, shape (max_lines + LANES,)
        Filled; what stands beyond the last line means nothing.

    Returns
    -------
    int
        How many there are, or -1 if they are more than `max_lines`.
    """
    centring = rule.centring
    k_step = 2 if centring == 1 or centring == 3 else 1
    l_step = 2.0 if centring == 2 or centring == 3 else 3.0 if centring == 4 else 1.0
    n = 0
    for h in range(int(np.sqrt(q2_max / form.d_h)) + 1):
        k_low, k_high = _ks(form, rule, q2_max, h)
        for k in range(k_low, k_high + 1, k_step):
            base = form.d_h * h * h + form.d_k * (k + form.hk * h) ** 2
            low, high = _ls(form, rule, h, k, q2_max - base)
            for second in range(2 if centring == 4 and (h - k) % 3 != 0 else 1):
                first, count = _series(low, high, h, k, centring, second)
                if n + count > max_lines:
                    return -1
                l = first + (form.kl * k + form.hl * h)
                at = np.uint64(n)  # an index that has no sign need not be checked for one
                for _ in range(0, count, LANES):
                    for lane in range(LANES):
                        at_l = l + l_step * lane
                        q2[at + np.uint64(lane)] = base + form.d_l * (at_l * at_l)
                    l += l_step * LANES
                    at += np.uint64(LANES)
                n += max(count, 0)
    return n
