"""Models that learn from known crystals where to look for a cell, and which lines the peaks are.

Generators (write-up, sections 2.2 and 2.4.2; notebooks 05 to 07) turn the first peaks of a pattern
into random cells; all have the same four methods, `fit`, `sample`, `save` and `load`. Assigners
(section 2.3; notebook 08) turn peaks and a candidate cell into Miller indices with probabilities.

=====================  ===========================================================================
generator              what generators share: groups, budgets, files; `load` reads one of a study
cells                  from frames to arrays, from free parameters to usable cells and back
forest                 random forests, a tree a sample (section 2.2.3)
variance               the variance network as a function, and its likelihoods (section 2.2.2)
network, trainer       variance networks as generators, and their training step
shape, snap            a generator without a scale, and how its cells are refined
scale_free, mixture    a mixture network without a scale, with mixture_training
template_network       a distribution over index_sets, which reads coincidences; weights shipped
synthetic              the synthetic patterns that it is trained on
controls               random, rescaled and nearest training cells, beside which all others stand
assigners              nearest line and line prior
assignment             the assignment network (section 2.3.3)
assignment_data        true peaks and cells that err, to train and test on
assignment_training    its training
templates              index sets that fix a cell from a few lines (`templates.npz`), with
                       template_axes and template_learning
dense                  the hidden layer of all networks, in numpy and TensorFlow
constants              what was chosen or measured, with units and sources
=====================  ===========================================================================
"""

__all__ = [
    "assigners",
    "assignment",
    "assignment_data",
    "assignment_training",
    "cells",
    "constants",
    "controls",
    "dense",
    "forest",
    "generator",
    "mixture",
    "mixture_training",
    "network",
    "scale_free",
    "shape",
    "snap",
    "synthetic",
    "template_axes",
    "template_learning",
    "templates",
    "trainer",
    "variance",
]
