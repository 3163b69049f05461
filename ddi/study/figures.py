"""How figures look: widths, fonts and colours of the paper, and the one way a figure is saved."""

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
    "templates": "*",
    "random": "x",
    "rescaled": "+",
    "nearest": "v",
}
GENERATOR_COLOURS = {
    "forest": "#009E73",
    "forest_literal": "#66C5AB",
    "network": "#0072B2",
    "network_literal": "#7FA8D9",
    "tuned": "#56B4E9",
    "both": "#000000",
    "shape": "#D55E00",
    "templates": "#CC79A7",
    "random": "#999999",
    "rescaled": "#666666",
    "nearest": "#E69F00",
}


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
