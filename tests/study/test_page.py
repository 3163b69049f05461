"""The page: its controls driven from Python, and once by a real browser."""

import base64
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest
import small_search
from small_search import CU

from ddi.forward.bragg import two_theta
from ddi.study import serve

pytest.importorskip("ipywidgets", reason="the page needs the extra app")
pytest.importorskip("anywidget", reason="the page needs the extra app")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DRIVERS = ("chromedriver", "chromium.chromedriver")
SEEN = 120  # seconds in which something must be seen; a machine may be busy


@pytest.fixture
def page(monkeypatch):
    from ddi.study.page import Page

    small_search.install(monkeypatch)
    return Page(n_jobs=1)


def angles(extra=""):
    rows = "\n".join(f"{value:.4f}" for value in two_theta(small_search.lines(), CU))
    return f"{extra}{rows}\n".encode()


def is_shown(box):
    return box.layout.display != "none"


def told(text, kind):
    return f'class="ddi-{kind}"' in text.value


def test_a_question_of_the_reader_opens_the_settings(page):
    page.receive("peaks.txt", angles())
    assert told(page.message, "error") and "ddi index" not in page.message.value
    assert is_shown(page.settings) and not is_shown(page.looking)
    page.unit.value = "2theta"
    assert told(page.message, "error") and "wavelength" in page.message.value
    page.wavelength.value = "CuKa1"
    assert told(page.message, "note") and is_shown(page.looking)
    assert len(page.ticks.children) == 24 and page.pattern.png.startswith(b"\x89PNG")


def test_an_error_is_a_sentence_and_no_markup(page):
    page.receive("<b>x.txt", b"no numbers at all")
    assert told(page.message, "error") and "<b>" not in page.message.value
    page.receive("large.xy", b"", 60_000_000)
    assert "60 MB" in page.message.value and not page.session.content
    page.wavelength.value = "cheese"
    page.receive("peaks.txt", angles("2theta\n"))
    assert "not cheese" in page.message.value


def test_a_click_in_the_picture_and_a_tick_are_the_same(page):
    page.show_pattern()
    before = page.pattern.png
    (left, right), (first, last) = page._view
    share = (page.session.positions()[6] - first) / (last - first)
    page._click(left + share * (right - left))
    assert not page.session.kept[6] and not page.ticks.children[6].value
    assert page.pattern.png != before
    page.ticks.children[6].value = True
    assert page.session.kept.all() and page.pattern.png == before
    page._click(0.0)
    assert page.session.kept.all()


def test_cells_are_shown_compared_and_taken_home(page):
    page.show_pattern()
    page.go.click()
    assert told(page.answer, "answer") and is_shown(page.answering)
    assert [row[2] for row in page.table.rows] == ["oP", "└ oP ×2"] and page.table.minor == [1]
    first = page.figure.png, page.files.value
    page.table.chosen = 1
    assert page.figure.png != first[0] and page.files.value != first[1]
    found = re.findall(r'download="([^"]+)" href="data:[^,]+,([^"]+)"', page.files.value)
    names = [name for name, _ in found]
    assert names[:2] == ["simulated_pattern.cif", "simulated_pattern.json"] and len(names) == 8
    assert b"_cell_length_a" in base64.b64decode(found[0][1])
    page.ticks.children[0].value = False
    assert not is_shown(page.answering) and page.session.result is None


def test_without_a_wavelength_only_what_can_be_written_is_offered(page):
    page.unit.value = "d"
    content = "\n".join(f"{value:.4f}" for value in small_search.lines() ** -0.5)
    page.receive("d.txt", content.encode())
    page.go.click()
    assert "d.cif" in page.files.value and "d.pcr" not in page.files.value


def test_too_few_peaks_are_told_beside_the_button(page):
    page.show_list()
    for tick in page.ticks.children[3:]:
        tick.value = False
    page.go.click()
    assert told(page.progress, "error") and "3 peaks are left" in page.progress.value
    assert not page.go.disabled


def test_what_is_unforeseen_is_told(page, monkeypatch):
    page.show_list()
    monkeypatch.setattr("ddi.index.search.ranked", lambda *_, **__: 1 / 0)
    page.go.click()
    assert "unforeseen ZeroDivisionError" in page.progress.value


def test_a_file_in_parts_is_put_together():
    from ddi.study.page_parts import Drop

    got = []
    drop = Drop(lambda *said: got.append(said))
    for part, first, last in ((b"ab", True, False), (b"cd", False, False), (b"e", False, True)):
        drop._on_part(drop, dict(name="f", size=5, first=first, last=last), [memoryview(part)])
    assert got == [("f", b"abcde", 5)]


def test_a_page_that_cannot_live_says_how_it_would(page):
    bundle = page._repr_mimebundle_()
    assert "make app" in bundle["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle


def found(names):
    return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture
def browser():
    """A headless Chromium; skipped where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver")
    program, driver = found(BROWSERS), found(DRIVERS)
    if not (program and driver):
        pytest.skip("there is no Chromium with its driver; Debian: chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in (
        "headless=new",
        "no-sandbox",
        "disable-dev-shm-usage",
        "window-size=1280,2000",
    ):
        options.add_argument(f"--{argument}")
    made = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield made
    made.quit()


@pytest.fixture
def address():
    """The page, served as `make app` serves it."""
    pytest.importorskip("voila", reason="the page alone needs the extra app")
    import socket

    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "ddi", "app", "--no-browser", "--port", str(port)]
    server = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    yield f"http://localhost:{port}/"
    os.killpg(server.pid, signal.SIGINT)
    try:
        server.wait(SEEN)
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)


@pytest.mark.slow
def test_in_a_real_browser_from_a_file_to_a_cell(browser, address, tmp_path):
    """A file without a unit is dropped, the unit chosen, a peak left out, the cell found."""
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.support.ui import Select, WebDriverWait

    def all_of(css):
        return browser.find_elements("css selector", css)

    def shown(css, n=1):
        wait = WebDriverWait(browser, SEEN, ignored_exceptions=[WebDriverException])
        return wait.until(
            lambda _: (e := all_of(css)) and len(e) >= n and e[0].is_displayed() and e
        )

    def opened(_):
        browser.get(address)
        return True

    WebDriverWait(browser, SEEN, ignored_exceptions=[WebDriverException]).until(opened)
    file = tmp_path / "mine.txt"
    file.write_text("\n".join(f"{d:.5f}" for d in small_search.lines() ** -0.5))
    shown(".ddi-drop")
    all_of(".ddi-drop input")[0].send_keys(str(file))
    assert "does not say" in shown(".ddi-error")[0].text
    Select(shown(".ddi-page select")[0]).select_by_visible_text("d / Å")
    ticks = shown(".ddi-peaks button", 24)
    shown(".ddi-go")
    ticks[2].click()
    shown(".ddi-peaks button:not(.mod-active)")
    shown(".ddi-go")[0].click()
    answer = shown(".ddi-answer")[0].text
    assert "oP" in answer and "V = 347" in answer, answer
    rows = shown(".ddi-table tbody tr", 2)
    rows[1].click()
    shown(".ddi-table tbody tr[aria-selected=true]:nth-child(2)")
    links = [link.get_attribute("download") for link in shown(".ddi-files a", 4)]
    assert links[:2] == ["mine.cif", "mine.json"]
    width = "return document.querySelectorAll('.ddi-picture')[1].naturalWidth"
    WebDriverWait(browser, SEEN).until(lambda _: browser.execute_script(width) > 500)


def test_the_served_notebook_is_valid_and_shows_the_page():
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.from_dict(serve.notebook()))
    assert "Page()" in serve.notebook()["cells"][-1]["source"]
