"""The figures in docs/performance.md and docs/networks.md are those of the lines that bench/ keeps."""

from bench import networks_table
from bench.table import DOCUMENT, table, with_tables


def test_no_figure_is_typed_by_hand() -> None:
    document = DOCUMENT.read_text()
    assert document == with_tables(document)
    networks = networks_table.DOCUMENT.read_text()
    assert networks == networks_table.with_links(networks, networks_table.RESULTS.read_text())


def test_a_line_becomes_a_row() -> None:
    line = '{"name": "x", "value": 1.5, "unit": "ms", "reference": 1.0, "ratio": 1.5}'
    assert table(line).splitlines()[2] == "| x | 1.5 ms | 1.0 ms | 1.50 |"
    assert table(line, "reference").startswith("| figure | Huddle | reference | ratio |")
    alone = '{"name": "y", "value": 12345.0, "unit": "s", "reference": null, "ratio": null}'
    assert table(alone).splitlines()[2] == "| y | 12,345.0 s |  |  |"
    barred = alone.replace("}", ', "bar": "<= 3", "met": false}')
    assert table(f"{line}\n{barred}").splitlines()[2:] == [
        "| x | 1.5 ms | 1.0 ms | 1.50 |  |",
        "| y | 12,345.0 s |  |  | <= 3: not met |",
    ]


def test_a_link_of_each_network_is_a_row_also_where_it_was_not_measured() -> None:
    lines = "\n".join(
        f'{{"name": "tls{name}", "value": {value}, "unit": "{unit}", "reference": null, "ratio": null}}'
        for name, value, unit in (
            (", link, round trip of 100 bytes, by plain TCP", 0.0794, "ms"),
            (", link, 25 MB one way, by plain TCP", 160.4, "MB/s"),
            (", two machines, sealed roster to link up", 0.0592, "s"),
        )
    )
    rows = networks_table.links(lines).splitlines()
    assert rows[2] == "| `tls` | 79 µs | 160 MB/s | 0.059 s | none |"
    assert len(rows) == 2 + 7 and rows[3].startswith("| `tailscale` | not measured |")
