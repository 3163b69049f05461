"""The page alone, served by Voila to a browser on this machine: ``python -m ddi app``."""

import json
import os
import tempfile
from pathlib import Path

from ddi.base.errors import DDIError
from ddi.base.paths import ROOT

_TITLE = (
    "# What is the unit cell of my powder pattern?\n"
    "Give a list of peaks or a measured pattern. Nothing leaves this machine. A cell is a "
    "hypothesis until a structure refines in it."
)
_CODE = "from ddi.study.page import Page\n\nPage()"


def notebook():
    """Return the notebook that Voila shows, as a dict: a title and the page."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    code = {"execution_count": None, "outputs": [], "source": _CODE}
    return {
        "cells": [
            {"cell_type": "markdown", "id": "title", "metadata": {}, "source": _TITLE},
            {"cell_type": "code", "id": "page", "metadata": {}, **code},
        ],
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def serve(port=8866, browser=True):
    """Serve the page at http://localhost:port until Ctrl-C.

    Parameters
    ----------
    port : int
    browser : bool
        Whether a browser is opened.

    Raises
    ------
    DDIError
        If the packages of the extra ``app`` are not there.
    """
    try:
        import anywidget  # noqa: F401
        import ipykernel  # noqa: F401
        from voila.app import Voila
    except ImportError as error:
        raise DDIError(
            f"the page needs {error.name}; type: python -m pip install '.[app]' in the folder of "
            "this program"
        ) from error
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    with tempfile.TemporaryDirectory(prefix="ddi-app-") as folder:
        path = Path(folder) / "powder_indexing.ipynb"
        path.write_text(json.dumps(notebook()), encoding="utf-8")
        print(f"the page is at http://localhost:{port}/ until Ctrl-C", flush=True)
        options = [f"--port={port}", "--Voila.log_level=WARN"]
        Voila.launch_instance([str(path), *options, *([] if browser else ["--no-browser"])])
