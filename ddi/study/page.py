"""The page for people who do not program: drop a file, look at its peaks, leave some out, index,
compare cells, take files home. It is a widget of notebook 11, and ``python -m ddi app`` serves it.
"""

import base64
import functools
import html

import ipywidgets as widgets

from ddi.base.errors import DDIError
from ddi.index import session, show
from ddi.study.page_parts import Drop, Picture, Table, button, hidden, marked, reveal, said

_UNITS = {
    "as the file says": None,
    "2θ / °": "2theta",
    "d / Å": "d",
    "q = 1/d / Å⁻¹": "q",
    "q = 2π/d / Å⁻¹": "q2pi",
    "1/d² / Å⁻²": "q2",
}
_RADIATIONS = {
    "as the file says": None,
    "X-ray tube": "xray",
    "monochromatic X-rays": "monochromatic",
    "synchrotron": "synchrotron",
    "neutrons": "neutron",
}
_SYSTEMS = ("all", "cubic", "hexagonal", "tetragonal", "orthorhombic", "monoclinic", "triclinic")
_WIDE = {"description_width": "initial"}
_KINDS = {
    ".cif": "CIF",
    ".json": "JSON",
    ".csv": "CSV",
    ".png": "figure",
    ".pcr": "FullProf",
    ".inp": "TOPAS",
    ".instprm": "GSAS-II instrument",
    ".pkslst": "GSAS-II peaks",
}


def _told(action):
    """What goes wrong is told on the page, in the program's sentences."""

    @functools.wraps(action)
    def told(self, *args):
        try:
            action(self, *args)
        except DDIError as error:
            self._say(str(error), "error")
        except Exception as error:  # a page has no terminal on which a traceback would be seen
            kind = type(error).__name__
            self._say(f"unforeseen {kind}: {error}; please report it with the file", "error")

    return told


class Page(widgets.VBox):
    """The page.

    Attributes
    ----------
    session : ddi.index.session.Session
        What is known of the pattern that is shown.
    """

    def __init__(self, n_jobs=2, seed=0):
        self.session = session.Session()
        self._options = dict(n_jobs=n_jobs, seed=seed)
        self._view = None  # the peaks' picture: ends of its axis, and what they show
        self._make_reading()
        self._make_peaks()
        self._make_answer()
        super().__init__([self.reading, self.looking, self.answering])
        self.add_class("ddi-page")

    def _repr_mimebundle_(self, **kwargs):
        """Where no widget can live, as on a hosting site, say how it comes to life."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            data = bundle[0] if isinstance(bundle, tuple) else bundle
            data["text/html"] = (
                "<p><em>The page works where this notebook runs: <code>make lab</code>, "
                "or alone by <code>make app</code>.</em></p>"
            )
        return bundle

    def _make_reading(self):
        self.drop = Drop(self.receive)
        self.examples = [
            button("Example: a list of peaks", self.show_list),
            button("Example: a simulated pattern", self.show_pattern),
        ]
        self.more = widgets.ToggleButton(description="Settings", icon="sliders")
        self.message = widgets.HTML()
        self.unit = widgets.Dropdown(options=_UNITS, description="positions are", style=_WIDE)
        self.wavelength = widgets.Text(
            placeholder="1.5406, CuKa1, 12.4 keV",
            description="wavelength / Å",
            continuous_update=False,
            style=_WIDE,
        )
        self.radiation = widgets.Dropdown(options=_RADIATIONS, description="radiation")
        self.lattice = widgets.Dropdown(options=_SYSTEMS, description="lattices")
        self.n_peaks = widgets.BoundedIntText(20, min=6, max=40, description="first peaks")
        self.zero = widgets.Checkbox(True, description="fit the zero shift", indent=False)
        rows = [
            widgets.HBox([self.unit, self.wavelength, self.radiation]),
            widgets.HBox([self.lattice, self.n_peaks, self.zero]),
        ]
        self.settings = widgets.VBox(rows, layout=hidden())
        for control in (self.unit, self.wavelength, self.radiation):
            control.observe(self._reread, "value")
        self.more.observe(lambda change: reveal(self.settings, change.new), "value")
        known = self.examples if session.example_list() else []
        line = widgets.HBox([*known, self.more])
        line.add_class("ddi-line")
        self.reading = widgets.VBox([self.drop, line, self.message, self.settings])

    def _make_peaks(self):
        self.pattern = Picture("the peaks of the file", self._click)
        self.ticks = widgets.Box()
        self.ticks.add_class("ddi-peaks")
        self.go = button("Find the cell", self.index, button_style="primary")
        self.go.add_class("ddi-go")
        hint = said("Click a peak, here or below, to leave it out or to take it back.", "hint")
        self.progress = widgets.HTML()
        line = widgets.HBox([self.go, self.progress])
        line.add_class("ddi-line")
        parts = [said("Peaks", "h3"), hint, self.pattern, self.ticks, line]
        self.looking = widgets.VBox(parts, layout=hidden())

    def _make_answer(self):
        self.answer = widgets.HTML()
        self.table = Table()
        self.table.add_class("ddi-scroll")
        self.figure = Picture("the pattern, its lines beside those of the cell, and residuals")
        self.files = widgets.HTML()
        self.files.add_class("ddi-files")
        self.table.observe(self._show_cell, "chosen")
        hint = said("Click a row to see that cell's lines below.", "hint")
        parts = [said("Cells", "h3"), self.answer, hint, self.table, self.figure, self.files]
        self.answering = widgets.VBox(parts, layout=hidden())

    @_told
    def receive(self, name, content, size=None):
        """Take a file that was dropped or chosen; of one that is too large only its size."""
        self.session.open(name, content)
        self._hide_all()
        if size is not None and size != len(content):
            limit = self.drop.limit / 1e6
            raise DDIError(f"{name} has {size / 1e6:.0f} MB and at most {limit:g} MB are read")
        self._read()

    def show_list(self, *_):
        """Take the list of peaks that is shipped."""
        self.receive(*session.example_list())

    def show_pattern(self, *_):
        """Take the simulated pattern."""
        self.receive(*session.example_pattern())

    @_told
    def _reread(self, _):
        if self.session.content:
            self._read()

    def _read(self):
        self._hide_all()
        text = self.wavelength.value.strip()
        try:
            self.session.read(self.unit.value, text or None, self.radiation.value)
        except DDIError as error:
            if any(word in str(error) for word in ("--unit", "wavelength", "--radiation")):
                self.more.value = True
                question = str(error).partition("; type: python")[0]
                raise DDIError(f"{question}. Choose it in the settings below") from error
            raise
        peaks = self.session.peaks
        self._say("; ".join([peaks.source, *peaks.warnings]), "note")
        at = self.session.positions()
        self.ticks.children = [self._tick(number, value) for number, value in enumerate(at)]
        self._draw_peaks()
        reveal(self.looking)

    def _tick(self, number, position):
        form = "{:.3f}°" if self.session.peaks.wavelength else "{:.5f}"
        tick = widgets.ToggleButton(value=True, description=form.format(position))
        d = self.session.peaks.d[number]
        tick.tooltip = f"d = {d:.4f} Å"
        tick.observe(lambda change: self._keep(number, change.new), "value")
        return tick

    @_told
    def _click(self, share):
        (left, right), (first, last) = self._view
        position = first + (share - left) / (right - left) * (last - first)
        number = self.session.nearest(position, last - first)
        if number is not None:
            self.ticks.children[number].value = not self.session.kept[number]

    @_told
    def _keep(self, number, kept):
        self.session.keep(number, kept)
        reveal(self.answering, False)
        self._draw_peaks()

    def _draw_peaks(self):
        from ddi.index import draw

        fig = draw.draw_peaks(self.session.peaks, self.session.kept)
        self.pattern.png, self._view = session.png(fig)

    @_told
    def index(self, *_):
        """Search with what is set; show the cells."""
        shift = "fit" if self.zero.value else "none"
        self._say("Indexing; the first time on a machine compiles for some ten seconds …", "hint")
        self.go.disabled = True
        try:
            result = self.session.index(
                lattice=self.lattice.value,
                n_peaks=self.n_peaks.value,
                zero_shift=shift,
                **self._options,
            )
        finally:
            self.go.disabled = False
        self._say(f"{result.seconds:.1f} s", "hint")
        self.answer.value = marked(result.message, "answer" if result.convinces else "doubt")
        self._show_cells(result)
        reveal(self.answering)

    def _show_cells(self, result):
        self._shown = show.fold(result.cells)
        texts = [show.row_texts(row) for _, row in self._shown.iterrows()]
        self.table.minor = [k for k, row in self._shown.iterrows() if row.relation]
        self.table.head = list(texts[0]) if texts else []
        self.table.rows = [list(row.values()) for row in texts]
        if self.table.chosen != 0:
            self.table.chosen = 0  # which shows the cell
        else:
            self._show_cell(None)

    @_told
    def _show_cell(self, _):
        result = self.session.result
        if result is None or not len(result.cells):
            self.files.value = ""
            self.figure.png = b""
            return
        rank = int(self._shown["rank"].iloc[self.table.chosen])
        self.figure.png, _ = session.png(result.plot(rank=rank))
        self.files.value = "".join(marked("Take home:", "hint") + " ".join(self._links(rank)))

    def _links(self, rank):
        name = self.session.name.rsplit(".", 1)[0] or "cell"
        for suffix in session.EXPORTS:
            try:
                content = self.session.file(suffix, rank)
            except DDIError:  # formats that need a wavelength
                continue
            address = f"data:application/octet-stream;base64,{base64.b64encode(content).decode()}"
            file = html.escape(name + suffix, quote=True)
            yield f'<a download="{file}" href="{address}">{_KINDS[suffix]}</a>'

    def _hide_all(self):
        self.table.rows = []
        self.progress.value = ""
        reveal(self.looking, False)
        reveal(self.answering, False)

    def _say(self, text, kind):
        """Beside the button that was pressed: that of the search, or else those of the file."""
        searching = self.looking.layout.display != "none"
        place = self.progress if searching else self.message
        place.value = marked(text, kind)
