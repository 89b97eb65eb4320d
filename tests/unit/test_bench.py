"""What `make bench` says: each figure that has a bar, with the bar and whether it is met."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as bench
from bench.figures import BARS, line
from bench.parties import HERE, Outcome, plain

PRINTED = {"output_ms": 1, "multiplication_ms": 1, "exchange_ms": 1, "mb_per_s": 1, "connected": 1}
STOPPED = "elapsed time: 0:00:01.5|bytes sent: 1000\n"


@pytest.mark.parametrize(
    ("name", "reference", "met"),
    [
        ("multiplication round p50, tls, by --ssl", 0.72, True),
        ("multiplication round p50, tls, by --ssl", 0.71, False),
        ("10 MB one way, tls, by --ssl", 0.66, True),
        ("10 MB one way, tls, by --ssl", 0.67, False),
        ("set-up of 3 parties on one machine, last join to MPyC connected", None, True),
    ],
)
def test_a_bar_is_for_the_ratio_where_there_is_one(name: str, reference: float | None, met: bool) -> None:
    assert line(name, 1.0, "", reference)["met"] is met


def test_what_has_no_bar_says_nothing_of_one() -> None:
    assert "met" not in line("memory of a supervisor, 3 parties", 60.0, "MB")


def test_every_bar_is_said_with_its_figure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run(_: Path, __: Any, parties: int, **___: Any) -> Outcome:
        return Outcome([STOPPED + json.dumps(PRINTED)] * parties, [])

    monkeypatch.setattr(bench, "session", run)
    monkeypatch.setattr(bench, "REFERENCES", {"": run, ", by --ssl": run})

    async def all_but_lobby() -> None:  # which has no programs to stand for
        for name in bench.FIGURES.keys() - {"lobby"}:
            await bench.FIGURES[name](1)

    asyncio.run(all_but_lobby())
    said = [json.loads(one) for one in capsys.readouterr().out.splitlines()]
    assert len(said) > len(BARS)
    idle = {name for name in BARS if "idle" in name}
    assert {one["name"] for one in said if "met" in one} == BARS.keys() - idle


async def test_secret_santa_sends_the_same_with_the_same_seed_and_other_with_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2] / "programs"))
    sent = []
    for seed in ("1", "1", "2"):
        outcome = await plain(HERE / "santas.py", ("--seed", seed, "--most", "4"), 3)
        sent.append([outcome.json(pid)["sent_bytes"] for pid in range(3)])
    assert sent[0] == sent[1] != sent[2]
