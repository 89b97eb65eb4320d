"""The tables of networks in docs/networks.md and docs/performance.md, from lines of `make bench-networks`.

    python -m bench.networks_table

Figures in the documents are never typed by hand; a test compares the two.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.table import DOCUMENT as PERFORMANCE
from bench.table import table

RESULTS = Path(__file__).with_name("networks.jsonl")
NETWORKS = Path(__file__).parents[1] / "docs" / "networks.md"
BEGIN, END = "<!-- links -->\n", "<!-- end of links -->\n"
ALL_BEGIN, ALL_END = "<!-- network figures -->\n", "<!-- end of network figures -->\n"

# In the order of auto, then those that are chosen by name; how the lines call a link of theirs.
ROWS = (
    ("tls", "", "none"),
    ("tailscale", ", with TLS", "the control server, DERP"),
    ("webrtc", "", "the rendezvous, and its STUN server, to get there"),
    ("iroh", "", "none; a relay and a directory if they were chosen"),
    ("relay", "", "the rendezvous, for every byte"),
    ("wireguard", "", "the rendezvous, and its STUN server, to get there"),
    ("headscale", ", with TLS", "the host's Headscale and its DERP"),
)


def links(lines: str) -> str:
    """A link of each network, in short."""
    found: dict[str, Mapping[str, Any]] = {}
    for line in lines.splitlines():
        figure = json.loads(line)
        found[figure["name"].partition(", by ")[0]] = figure
    rows = [
        "| | round trip of 100 bytes | throughput | from sealed to a link | third parties |",
        "| --- | --- | --- | --- | --- |",
    ]
    for network, words, third in ROWS:
        rtt = found.get(f"{network}{words}, link, round trip of 100 bytes")
        rate = found.get(f"{network}{words}, link, 25 MB one way")
        up = found.get(f"{network}, two machines, sealed roster to link up")
        if rtt is None or rate is None or up is None:
            rows.append(f"| `{network}` | not measured | | | {third} |")
            continue
        shown = (f"{rtt['value'] * 1000:.0f} µs", f"{rate['value']:.0f} MB/s", f"{up['value']:.2g} s")
        rows.append(f"| `{network}` | {' | '.join(shown)} | {third} |")
    return "\n".join(rows) + "\n"


def between(document: str, made: str, begin: str, end: str) -> str:
    """The document with this between its marks."""
    before, rest = document.split(begin)
    _, after = rest.split(end)
    return f"{before}{begin}\n{made}\n{end}{after}"


def with_links(document: str, lines: str) -> str:
    """docs/networks.md with what a link of each costs."""
    return between(document, links(lines), BEGIN, END)


def with_figures(document: str, lines: str) -> str:
    """docs/performance.md with all lines."""
    return between(document, table(lines).replace("plain MPyC", "beside", 1), ALL_BEGIN, ALL_END)


def main() -> None:
    """Write both."""
    lines = RESULTS.read_text()
    NETWORKS.write_text(with_links(NETWORKS.read_text(), lines))
    PERFORMANCE.write_text(with_figures(PERFORMANCE.read_text(), lines))


if __name__ == "__main__":
    main()
