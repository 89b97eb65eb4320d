"""Which network gets through which pair of routers: `make nat-table` tries all and writes docs/networks.md.

A row is a pair of places, each what one party has between itself and the others; a cell is direct, relayed
or refused, as two real processes found it there. `auto` is what follows from a row. What was found is kept
in `nat_table.jsonl`, and the table in the document is made from that alone.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

from tests.netlab.nat import Home
from tests.netlab.net import Net, Node

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).with_name("nat_table.jsonl")
DOCUMENT = ROOT / "docs" / "networks.md"
BEGIN, END = "<!-- nat table -->\n", "<!-- end of nat table -->\n"
COLUMNS = ("tls", "wireguard", "webrtc", "iroh", "iroh+", "relay")
HEADS = ("tls", "wireguard", "webrtc", "iroh", "iroh with a relay", "relay")
PORT = 443  # of the rendezvous: the one that every firewall lets out
SECONDS = 25.0  # for the networks of one pair: more than each takes to give up once

Cells = dict[str, dict[str, str]]
Row = dict[str, Any]


def _open(net: Net, number: int) -> Node:
    return net.node(f"10.77.0.{number}/24")


def _home(**options: Any) -> Callable[[Net, int], Node]:
    return lambda net, number: Home(net, f"10.77.0.{number}/24", f"192.168.{number}", **options).node


def _double(net: Net, number: int) -> Node:
    carrier = Home(net, f"10.77.0.{number}/24", f"100.64.{number}")
    return Home(net, carrier.node, f"192.168.{number}").node


PLACES: dict[str, Callable[[Net, int], Node]] = {
    "open": _open,
    "full cone": _home(cone=True),
    "port-restricted": _home(),
    "symmetric": _home(symmetric=True),
    "double NAT": _double,
    "UDP blocked": _home(blocked=("meta l4proto udp",)),
    "only 443 out": _home(blocked=("meta l4proto udp", f"tcp dport != {PORT}")),
}


def _two(one: str, other: str) -> Callable[[Net], tuple[Node, Node]]:
    return lambda net: (PLACES[one](net, 2), PLACES[other](net, 3))


def _hairpin(net: Net) -> tuple[Node, Node]:
    """Two homes behind one router of their provider, which does no hairpin."""
    carrier = Home(net, "10.77.0.2/24", "100.64.2")
    return tuple(Home(net, carrier.member(n), f"192.168.{n}").node for n in (3, 4))  # type: ignore[return-value]


def _one_home(net: Net) -> tuple[Node, Node]:
    home = Home(net, "10.77.0.2/24", "192.168.2")
    return home.node, home.member(3)


def _firewalls(net: Net) -> tuple[Node, Node]:
    both = net.node("fd77::2/64"), net.node("fd77::3/64")
    for node in both:
        node.firewall()
    return both


def _one_firewall(net: Net) -> tuple[Node, Node]:
    both = net.node("fd77::2/64"), net.node("fd77::3/64")
    both[0].firewall()
    return both


def _unlike(net: Net) -> tuple[Node, Node]:
    return net.node("fd77::2/64"), net.node("10.77.0.3/24")


PAIRS: dict[str, Callable[[Net], tuple[Node, Node]]] = {
    f"{one} – {other}": _two(one, other) for one, other in combinations_with_replacement(PLACES, 2)
} | {
    "both in one home": _one_home,
    "two homes of one provider's NAT (no hairpin)": _hairpin,
    "IPv6, a firewall at one end": _one_firewall,
    "IPv6, firewalls at both ends": _firewalls,
    "IPv6 only – IPv4 only": _unlike,
}


def try_pair(net: Net, name: str, networks: Sequence[str], seconds: float = SECONDS) -> Cells:
    """What each of these networks does between these two places."""
    with tempfile.TemporaryDirectory(prefix="huddle-nat-") as folder:
        post = net.node("10.77.0.1/24", "fd77::1/64")
        nodes = PAIRS[name](net)
        with _rendezvous(post, Path(folder)), _iroh_relay(post, Path(folder)) as relay:
            # The first one's view and the second one's agree, or it is no link.
            return _agreed(*_probes(nodes, seconds, relay, networks))


def _probes(nodes: tuple[Node, Node], seconds: float, relay: bool, networks: Sequence[str]) -> list[Cells]:
    processes = []
    try:
        for pid, node in enumerate(nodes):
            post = "[fd77::1]" if ":" in node.addresses[0] else "10.77.0.1"
            more = [f"http://{post}:3340" if relay else "", ",".join(networks)]
            with node.inside():
                processes.append(
                    subprocess.Popen(
                        [
                            sys.executable, "-m", "tests.netlab.probe", str(pid), f"http://{post}:{PORT}",
                            str(seconds), *more,
                        ],
                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                        text=True, cwd=ROOT,
                    )
                )  # fmt: skip
        offers = [_line(process) for process in processes]
        for process, offer in zip(processes, reversed(offers), strict=True):
            assert process.stdin is not None
            process.stdin.write(json.dumps(offer) + "\n")
            process.stdin.flush()
        return [_line(process) for process in processes]
    finally:
        for process in processes:
            assert process.stdin is not None and process.stdout is not None
            with contextlib.suppress(OSError):
                process.stdin.close()
        for process in processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
            process.stdout.close()  # type: ignore[union-attr]


def _line(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a probe ended with {process.wait(5)}")
    found: dict[str, Any] = json.loads(line)
    return found


def _agreed(one: Cells, other: Cells) -> Cells:
    order = ("direct", "relayed", "refused")
    return {name: max(one[name], other[name], key=lambda cell: order.index(cell["outcome"])) for name in one}


@contextlib.contextmanager
def _rendezvous(post: Node, folder: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "huddle", "serve", "--json", "--port", str(PORT)]
    for address in post.addresses:
        command += ["--host", address]
    with post.inside():
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, env=os.environ | {"HUDDLE_HOME": str(folder)}
        )
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise RuntimeError("the rendezvous did not start")
        yield
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()  # type: ignore[union-attr]


@contextlib.contextmanager
def _iroh_relay(post: Node, folder: Path) -> Iterator[bool]:
    """iroh's own relay server, where one is on PATH (cargo install iroh-relay --features server)."""
    program = shutil.which("iroh-relay")
    if program is None:
        yield False
        return
    log = (folder / "relay").open("wb")
    with log, post.inside():
        process = subprocess.Popen([program, "--dev"], stdout=log, stderr=log)
        try:
            _listens(post, 3340)
            yield True
        finally:
            process.terminate()
            process.wait(10)


def _listens(node: Node, port: int) -> None:
    for _ in range(200):
        shown = subprocess.run(
            ["ip", "netns", "exec", node.name, "ss", "-ltnH", f"sport = :{port}"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        if shown:
            return
        time.sleep(0.05)
    raise RuntimeError(f"nobody listens on {port}")


def rows(lines: str) -> list[Row]:
    """What was found, in the order of `PAIRS`."""
    found = {row["pair"]: row for row in map(json.loads, lines.splitlines())}
    return [found[name] for name in PAIRS if name in found]


def table(lines: str) -> str:
    """The rows as a Markdown table."""
    out = [f"| between | {' | '.join(HEADS)} | auto |", f"|{' --- |' * (len(HEADS) + 2)}"]
    for row in rows(lines):
        cells = row["cells"]
        shown = [cells.get(name, {"outcome": "not tried"})["outcome"] for name in COLUMNS]
        out.append(f"| {row['pair']} | {' | '.join(shown)} | {auto(cells)} |")
    return "\n".join(out) + "\n"


def auto(cells: Cells) -> str:
    """What `auto` ends with, whose networks are those without a relay of iroh's."""
    works = [name for name in ("tls", "webrtc", "iroh", "relay") if cells[name]["outcome"] != "refused"]
    return works[0] if works else "refused"


def with_table(document: str, lines: str) -> str:
    """The document with the table of these lines between its marks."""
    before, rest = document.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table(lines)}\n{END}{after}"


def main() -> None:
    """Try the pairs that were named, or all, and write results and document."""
    parser = argparse.ArgumentParser(prog="nat-table", description=__doc__)
    parser.add_argument("pairs", nargs="*", help="rows to try (again); default: all")
    parser.add_argument("--missing", action="store_true", help="only what has no result yet")
    chosen = parser.parse_args()
    known = {row["pair"]: row for row in rows(RESULTS.read_text() if RESULTS.exists() else "")}
    built = subprocess.run(
        [ROOT / "scripts" / "install-wireguard-go"], capture_output=True, text=True, check=True
    )
    os.environ["PATH"] += f":{Path(built.stdout.strip()).parent}"
    for name in chosen.pairs or PAIRS:
        there = known[name]["cells"] if name in known else {}
        networks = [one for one in COLUMNS if not (chosen.missing and one in there)]
        if not networks or (networks == ["iroh+"] and shutil.which("iroh-relay") is None):
            continue
        with Net() as net:
            cells = try_pair(net, name, networks)
        known[name] = {"pair": name, "cells": there | cells}
        print(name, {network: cell["outcome"] for network, cell in cells.items()}, flush=True)
        RESULTS.write_text("".join(json.dumps(known[one]) + "\n" for one in PAIRS if one in known))
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(), RESULTS.read_text()))


if __name__ == "__main__":
    main()
