"""The figures of docs/performance.md are those of the lines that bench/ keeps."""

from bench.table import DOCUMENT, table, with_tables


def test_no_figure_is_typed_by_hand() -> None:
    document = DOCUMENT.read_text()
    assert document == with_tables(document)


def test_a_line_becomes_a_row() -> None:
    line = '{"name": "x", "value": 1.5, "unit": "ms", "reference": 1.0, "ratio": 1.5}'
    assert table(line).splitlines()[2] == "| x | 1.5 ms | 1.0 ms | 1.50 |"
    assert table(line, "reference").startswith("| figure | Huddle | reference | ratio |")
    alone = '{"name": "y", "value": 12345.0, "unit": "s", "reference": null, "ratio": null}'
    assert table(alone).splitlines()[2] == "| y | 12,345.0 s |  |  |"
