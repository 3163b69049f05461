"""Data-driven indexing of powder diffraction patterns.

``from ddi import index_peaks`` is the short way from peak positions to cells. The rooms, from the
ground up: `ddi.base`, `ddi.forward` (lattices and lines), `ddi.data`, `ddi.models` (generators),
`ddi.mcmc`, `ddi.index` (the program), `ddi.study` (the notebooks' side) and `ddi.bench`.
"""

__version__ = "0.2.0"
__all__ = ["index_peaks"]


def __getattr__(name):
    """Import the indexer when it is first asked for: ``import ddi`` itself stays instant."""
    if name == "index_peaks":
        from ddi.index.api import index_peaks

        return index_peaks
    raise AttributeError(f"module 'ddi' has no attribute '{name}'")
