"""How figures look: the colours of lattice systems, generators and sources, which share no hue, and
the one way a figure is saved.
"""

from ddi.base.files import atomic

# Okabe and Ito's colours, which stay apart for colour-blind readers.
SYSTEM_COLOURS = {
    "cubic": "#000000",
    "tetragonal": "#E69F00",
    "hexagonal": "#56B4E9",
    "rhombohedral": "#009E73",
    "orthorhombic": "#CC79A7",
    "monoclinic": "#0072B2",
    "triclinic": "#D55E00",
}
GENERATOR_MARKERS = {
    "forest": "o",
    "forest_literal": "8",
    "network": "s",
    "network_literal": "d",
    "tuned": "p",
    "both": "D",
    "shape": "^",
    "scale_free": "P",
    "template_network": "X",
    "templates": "*",
    "random": "x",
    "rescaled": "+",
    "nearest": "v",
}
# Paul Tol's bright blue, red and green for what learns from peaks; controls are grey.
GENERATOR_COLOURS = {
    "forest": "#228833",
    "forest_literal": "#88C088",
    "network": "#4477AA",
    "network_literal": "#99AACC",
    "tuned": "#66AADD",
    "both": "#AA3377",
    "shape": "#EE6677",
    "scale_free": "#CC3311",
    "template_network": "#882255",
    "templates": "#CCBB44",
    "random": "#BBBBBB",
    "rescaled": "#888888",
    "nearest": "#555555",
}
SOURCE_LABELS = {"csd": "CSD", "cod": "COD", "amcsd": "AMCSD", "core_mof": "CoRE MOF"}
# Browns and violets, which neither systems nor generators have.
SOURCE_COLOURS = {"csd": "#3B1C5A", "cod": "#8C6BB1", "amcsd": "#8C510A", "core_mof": "#D8B365"}


def colours_of(table):
    """Return a generator's colour, that of its parent for a variant such as "shape, draws only"."""
    return {name: GENERATOR_COLOURS[name.split(",")[0]] for name in table}


def savefig(study, fig, name, data=None):
    """Save a figure as .pdf and .png with the .csv behind it, in the study's folder of figures.

    Parameters
    ----------
    study : ddi.base.paths.Study
    fig : matplotlib.figure.Figure
    name : str
        ``NN_name``, NN being the notebook.
    data : pandas.DataFrame, optional
        The numbers that are drawn.
    """
    undated = {"CreationDate": None, "ModDate": None, "Producer": None, "Creator": None}
    for suffix, options in (
        (".pdf", {"metadata": undated}),
        (".png", {"dpi": 200, "metadata": {"Software": None}}),
    ):
        with atomic(study.figures / f"{name}{suffix}") as path:
            fig.savefig(path, **options)
    if data is not None:
        with atomic(study.figures / f"{name}.csv") as path:
            data.to_csv(path, index=False, float_format="%.6g")
