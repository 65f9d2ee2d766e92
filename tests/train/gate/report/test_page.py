"""The report in a real browser: whole on a phone, silent on the console, printable; and safe with hostile names."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from dataengine.train.gate.comparison import Comparison
from dataengine.train.gate.report.page import write_report

from ....helpers.browser import browse, seen_on_a_phone
from ...gate_round import Gate


class Pictures(HTMLParser):
    """What every image says to those who do not see it."""

    def __init__(self) -> None:
        super().__init__()
        self.alternatives: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.alternatives.append(dict(attrs).get("alt"))


@pytest.fixture(params=["first model", "against a champion"])
def report(request: pytest.FixtureRequest, gates: dict[str, Gate]) -> Path:
    """A report of a real comparison of either kind, to be read."""
    gate = gates["compared" if request.param == "first model" else "rejected"]
    return gate.root / "compare" / "report.html"


def test_it_fits_a_phone_and_every_picture_shows(report: Path, tmp_path: Path) -> None:
    width, pictures, broken, wide = seen_on_a_phone(report.read_text(), tmp_path)
    assert width <= 375, f"too wide: {wide}"
    assert pictures >= 24
    assert broken == 0


def test_the_console_stays_silent_and_it_prints(report: Path, tmp_path: Path) -> None:
    printed = tmp_path / "report.pdf"
    said = browse(
        tmp_path / "profile", "--enable-logging=stderr", "--log-level=0", f"--print-to-pdf={printed}", report.as_uri()
    ).stderr
    assert "CONSOLE" not in said
    assert printed.read_bytes().startswith(b"%PDF")
    assert printed.stat().st_size > 50_000  # the pictures are in it


def requests_of_page(page: Path, folder: Path) -> set[str]:
    """Addresses that the page, not the browser for itself, asked the network for, from Chromium's own log."""
    log = folder / "net.json"
    nowhere = "--host-resolver-rules=MAP * ~NOTFOUND"  # every request fails, and is in the log all the same
    browse(folder / "profile", nowhere, f"--log-net-log={log}", "--dump-dom", page.as_uri())
    record = json.loads(log.read_text())
    start = record["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    begun = [e["params"] for e in record["events"] if e["type"] == start and "url" in e.get("params", {})]
    return {asked["url"] for asked in begun if asked.get("initiator") != "not an origin"}


def test_it_asks_the_network_for_nothing(report: Path, tmp_path: Path) -> None:
    loose = tmp_path / "loose.html"
    leaks = '<style>@import url("https://fonts.invalid/a.css");</style><img src="https://images.invalid/a.png">'
    loose.write_text(report.read_text().replace("</body>", f"{leaks}</body>"))
    for name in ("loose", "whole"):
        (tmp_path / name).mkdir()
    assert requests_of_page(loose, tmp_path / "loose") == {
        "https://fonts.invalid/a.css",
        "https://images.invalid/a.png",
    }, "what would be a request is seen"
    assert requests_of_page(report, tmp_path / "whole") == set()


def test_sentences_on_slices_begin_and_end(report: Path) -> None:
    text = " ".join(report.read_text().split())
    assert "parts of the test set. " in text
    assert "set; People" not in text


def test_it_says_why_the_bound_that_decides_is_not_the_end_of_an_interval(report: Path) -> None:
    text = " ".join(report.read_text().split())
    policy = json.loads((report.parent / "verdict.json").read_text())["policy"]
    own, shown = f"{policy['alpha'] / policy['uses']:.2%}", f"{(1 - policy['level']) / 2:.2%}"
    words = f"a lower bound of its own, which is too high with a probability of {own}; the lower end of an interval is"
    assert f"{words} so with {shown}." in text
    assert re.search("The demand (floor|superiority|non-inferiority) is decided by", text)


def test_it_is_one_file_of_a_sensible_size_that_says_what_its_pictures_show(report: Path) -> None:
    page = report.read_text()
    assert len(page) < 4_000_000
    assert not re.search(r'(?:src|href)\s*=\s*"(?!data:|#)|url\((?!data:)|@import', page)
    pictures = Pictures()
    pictures.feed(page)
    assert len(pictures.alternatives) >= 24
    assert all(pictures.alternatives)


def test_names_from_files_stay_text(
    gate: Gate, exported: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = '<script>alert("x")</script><img src=x onerror=alert(1)>'

    def with_hostile_names(path: Path, comparison: Comparison, *sets: Any, **models: Any) -> None:
        slices = tuple(replace(row, name=hostile) for row in comparison.slices)
        spoilt = replace(comparison, reason=hostile, warnings=(hostile,), slices=slices)
        spoilt = replace(spoilt, candidate=replace(spoilt.candidate, id=hostile, machine=hostile))
        write_report(path, spoilt, *sets, **models)

    monkeypatch.setattr("dataengine.train.compare.write_report", with_hostile_names)
    gate.compare(exported["good"])
    page = (gate.root / "compare" / "report.html").read_text()
    assert page.count("&lt;script&gt;alert(") >= 3
    assert "<script>alert" not in page
    assert "<img src=x" not in page
