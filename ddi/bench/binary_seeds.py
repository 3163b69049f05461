"""Binary files of instruments, made of a pattern in equal steps of 2theta: as few of their bytes as
the readers look at (`ddi.index.readers.binary`).
"""

import struct

import numpy as np

from ddi.forward.bragg import CU_KALPHA1


def raw101(x, y):
    """A file of Bruker's RAW 1.01, measured with copper."""
    head = bytearray(712 + 304)
    head[:7] = b"RAW1.01"
    struct.pack_into("<i", head, 12, 1)
    struct.pack_into("<d", head, 624, CU_KALPHA1)
    struct.pack_into("<ii", head, 712, 304, len(x))
    struct.pack_into("<d", head, 712 + 16, x[0])
    struct.pack_into("<d", head, 712 + 176, _step(x))
    return bytes(head) + y.astype("<f4").tobytes()


def raw1(x, y):
    """A file of Siemens's RAW, version 1."""
    head = bytearray(156)
    struct.pack_into("<4sIff", head, 0, b"RAW ", len(x), 1.0, _step(x))
    struct.pack_into("<f", head, 24, x[0])
    struct.pack_into("<f", head, 72, CU_KALPHA1)
    return bytes(head) + y.astype("<f4").tobytes()


def raw2(x, y):
    """A file of Siemens's RAW, version 2, whose range's header is longer than it needs to be."""
    head = bytearray(256 + 60)
    struct.pack_into("<4sH", head, 0, b"RAW2", 1)
    struct.pack_into("<f", head, 190, CU_KALPHA1)
    struct.pack_into("<HHifff", head, 256, 60, len(x), 0, 1.0, _step(x), x[0])
    return bytes(head) + y.astype("<f4").tobytes()


def philips(x, y, version=3):
    """A Philips RD file, or SD (version 5), of a copper tube."""
    head = bytearray(250 if version == 3 else 810)
    head[:4] = b"V%dRD" % version
    struct.pack_into("<ddd", head, 214, _step(x), x[0], x[-1])
    return bytes(head) + np.ceil(10 * np.sqrt(y)).astype("<u2").tobytes()


def _step(x):
    return float(np.round(x[1] - x[0], 6))
