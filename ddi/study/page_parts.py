"""Three controls that ipywidgets does not have: a place to drop a file, a picture and a table to
click in (their JavaScript stands in the folder ``web``), and short ways to texts and buttons.
"""

import html
from pathlib import Path

import anywidget
import ipywidgets as widgets
from traitlets import Bool, Bytes, Int, List, Unicode

from ddi.index.readers import MAX_BYTES

_WEB = Path(__file__).with_name("web")
_STYLE = (_WEB / "page.css").read_text(encoding="utf-8")


class Drop(anywidget.AnyWidget):
    """A place for one file.

    Parameters
    ----------
    receive : callable
        Called with name, content (bytes) and size in bytes; of a file larger than the limit only
        the size comes.
    """

    _esm = (_WEB / "drop.js").read_text(encoding="utf-8")
    _css = _STYLE
    text = Unicode("Drop a file here, or click to choose one").tag(sync=True)
    limit = Int(MAX_BYTES).tag(sync=True)

    def __init__(self, receive):
        super().__init__()
        self._receive = receive
        self._parts = []
        self.on_msg(self._on_part)

    def _on_part(self, _, says, buffers):
        if says["first"]:
            self._parts = []
        self._parts += [bytes(buffer) for buffer in buffers]
        if says["last"]:
            self._receive(says["name"], b"".join(self._parts), says["size"])
            self._parts = []


class Picture(anywidget.AnyWidget):
    """A PNG; `click` is called with the share of the width at which it was clicked."""

    _esm = (_WEB / "picture.js").read_text(encoding="utf-8")
    _css = _STYLE
    png = Bytes().tag(sync=True)
    text = Unicode().tag(sync=True)
    clickable = Bool(False).tag(sync=True)

    def __init__(self, text, click=None):
        super().__init__(text=text, clickable=click is not None)
        if click:
            self.on_msg(lambda _, says, __: click(says["x"]))


class Table(anywidget.AnyWidget):
    """Rows of text; `chosen` is the number of one of them, `minor` are greyed."""

    _esm = (_WEB / "table.js").read_text(encoding="utf-8")
    _css = _STYLE
    head = List(Unicode()).tag(sync=True)
    rows = List(List(Unicode())).tag(sync=True)
    minor = List(Int()).tag(sync=True)
    chosen = Int(0).tag(sync=True)


def marked(text, kind):
    """Return plain text as HTML of one kind: note, hint, error, answer or doubt."""
    return f'<div class="ddi-{kind}">{html.escape(text)}</div>'


def said(text, kind):
    """Return a widget that says a text: a heading ("h3"), or a kind of `marked`."""
    return widgets.HTML(f"<h3>{text}</h3>" if kind == "h3" else marked(text, kind))


def button(text, action, **options):
    """Return a button as wide as its text."""
    made = widgets.Button(description=text, layout={"width": "auto"}, **options)
    made.on_click(action)
    return made


def hidden():
    """Return the layout of what is not shown yet; see `reveal`."""
    return widgets.Layout(display="none")


def reveal(box, shown=True):
    """Show a box, or hide it."""
    box.layout.display = "flex" if shown else "none"
