"""From candidate cells to optimised ones: likelihood, chains and sampler (write-up, section 2.4).

Chains subsample peaks, solve for the reciprocal metric x, assign Miller indices again and accept or
reject (notebook 09). `optimize` of `sampler` runs many at once; `ddi.index.known` solves a pattern
with it whose lattice system is known.

=============  ===================================================================================
module         what
=============  ===================================================================================
likelihood     target function, gradient and Hessian (2.4.1, the errata's sigma)
nearest        lookup, nearest lines and refinement, compiled
softmax        probabilities of lines inside the loop: drawn, all at once, by the line prior
draws          the chains' random numbers
chains         the compiled loop (2.4.3)
plain          the same loop in numpy, and the one that asks a network in every step
options        what a chain does: weights, acceptance, assigner, prior of the indices
problem        one pattern and one lattice system, prepared; polishing and the score
state          what a chain holds and what it is told
running        chains from start to end: started from cells, advanced, restarted, traced
sampler        `optimize`: from cells by chains to a ranked result
steps          one step by scipy's minimisers, in closed form, and by singular values
starts         SVD-Index: random cells of growing volume (1.2)
ascent         gradient ascent of the marginal likelihood through an assignment network
constants      what was chosen or measured, with units and sources
=============  ===================================================================================
"""

import importlib

__all__ = [
    "ascent",
    "chains",
    "constants",
    "draws",
    "likelihood",
    "nearest",
    "options",
    "plain",
    "problem",
    "running",
    "sampler",
    "softmax",
    "starts",
    "state",
    "steps",
]


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__} has no attribute {name}")
