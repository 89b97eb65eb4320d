"""The table of links in docs/networks.md, from lines of `make bench-networks`: python -m bench.networks_table

Figures in the document are never typed by hand; a test compares the two.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("networks.jsonl")
DOCUMENT = Path(__file__).parents[1] / "docs" / "networks.md"
BEGIN, END = "<!-- links -->\n", "<!-- end of links -->\n"

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


def with_links(document: str, lines: str) -> str:
    """The document with this table between its marks."""
    before, rest = document.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{links(lines)}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_links(DOCUMENT.read_text(), RESULTS.read_text()))
