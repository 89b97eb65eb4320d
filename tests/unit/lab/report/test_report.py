"""The report: all that rows say, nothing from outside, nothing that a name could do to it."""

import csv
import io
from html.parser import HTMLParser
from typing import Any

from huddle_lab.report import report
from tests.unit.lab.support import NO_DELAY, row


class Page(HTMLParser):
    """Checks that all elements are closed, and collects what would be loaded."""

    VOID = frozenset({"meta"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "srcset")]
        if tag in ("link", "iframe", "img"):
            self.loaded.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f" {data.strip()}" if data.strip() else ""


def some_rows() -> list[dict[str, Any]]:
    found = [row(id="ref", scenario=NO_DELAY, network="plain", seconds=0.5, rounds=None, rtt_ms=None)]
    for number in range(7):
        for network, seconds in (("plain", 4.0), ("tls", 4.4), ("relay", 8.8)):
            found.append(
                row(
                    id=f"{network}{number}", network=network, seed=str(number), seconds=seconds + number / 100
                )
            )
    return found


def test_the_page_is_well_formed_and_loads_nothing() -> None:
    text = report.html(some_rows(), "quick")
    page = Page(text)
    assert page.open == [] and page.loaded == []
    figures, script = text.partition('<script type="module">')[::2]
    assert figures.count("<svg ") == figures.count('"application/vega-lite+json"') > 2
    assert "vegaEmbed" in script


def test_it_has_the_medians_and_how_they_compare() -> None:
    text = Page(report.html(some_rows(), "quick")).text
    assert "4.430 (4.410–4.450)" in text  # tls
    assert "1.10 (1.10–1.10)" in text  # by plain
    assert "No run failed" in text


def test_marks_and_failures_are_counted() -> None:
    found = [
        *some_rows(),
        row(id="busy", size="High", marks=["busy: others used 80% of the machine"]),
        row(id="failed", size="High", network="relay", outcome="failed", seconds=None, error="x"),
    ]
    text = Page(report.html(found, "quick")).text
    assert "busy 1" in text and "failed: 80 ms between any two, High, 3 over relay 1" in text
    assert "1 (1 marked)" in text


def test_links_and_what_was_not_run_have_their_place() -> None:
    links = [
        {"from": 0, "to": 1, "trip_ms": 81.0, "mbit": 500.0},
        {"from": 0, "to": 2, "trip_ms": 81.4, "mbit": 300.0},
    ]
    why = "there is no headscale here"
    absent = row(id="h", network="headscale", outcome="not run", error=why, seconds=None, links=None)
    found = [row(id="l", demo="Links", links=links), row(id="m", demo="Links", seed="2", links=links), absent]
    text = report.html(found, "quick")
    assert "<td>81.2</td>" in text and "<td>400</td>" in text
    said = Page(text).text
    assert f"not run: headscale, because {why}" in said and "failed:" not in said
    assert '""mbit"": 500.0' in report.table(found)


def test_what_failed_throughout_still_has_a_page() -> None:
    text = Page(report.html([row(outcome="failed", seconds=None, setup=None, paths=None)], "x")).text
    assert "failed" in text


def test_names_are_shown_as_they_are_written() -> None:
    evil = "<script>alert(1)</script>"
    text = report.html([row(demo=evil, size=evil, commit=evil, scenario={"name": "x", "title": evil})], evil)
    page = Page(text)
    assert page.open == [] and "<script>alert" not in text and "&lt;script&gt;" in text


def test_the_table_has_a_line_for_each_run_and_a_column_for_each_figure() -> None:
    lines = list(csv.DictReader(io.StringIO(report.table(some_rows()))))
    assert len(lines) == 22
    assert lines[0]["scenario.name"] == "no-delay" and lines[0]["rounds"] == ""
    assert lines[2]["setup.total"] == "2.0" and lines[2]["args"] == "--size 3"
