"""From a crystal to its diffraction lines: the forward equations (write-up, sections 1.1, 2.1.1 and
2.3.1; notebooks 01 and 02 show what they make).

One linear fact carries everything: ``q2 = 1/d^2 = H x``, with H made of Miller indices and x the
reciprocal metric. What distinguishes the lattice systems is data (`systems`), not code.

lattice      cells, metrics, x, volumes, changes of axes, Niggli reduction
systems      the seven lattice systems and fourteen Bravais lattices, as tables
bragg        q2 and 2theta, wavelengths of X-ray tubes, errors of one as errors of the other
lines        the distinct lines of a lattice, compiled; the nearest line to a peak
reflections  reference Miller indices of a system, and the labels of peaks
relations    same lattice, subcell or supercell, in which basis
symmetry     space groups from their operations, multiplicities
settings     from a database's setting to the one the models see
conditions   reflection conditions of a setting
scattering   reflections of a crystal and their structure factors
powder       simulated powder patterns and the two peak lists drawn from them
noise        how a measurement spoils a list of peaks
fom          the figures of merit M20 and F_N
chance       a likelihood-ratio score that accounts for accidental coincidences
constants    the numbers taken for granted, with their sources
"""

__all__ = [
    "bragg", "chance", "conditions", "constants", "fom", "lattice", "lines", "noise",
    "powder", "reflections", "relations", "scattering", "settings", "symmetry", "systems",
]  # fmt: skip
