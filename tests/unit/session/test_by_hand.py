"""Who waits for an MPyC that somebody starts by hand, what they are told, and when the run is over."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from huddle.running.proxy import Proxy
from huddle.session import by_hand
from huddle.session import control_messages as control
from huddle.session.by_hand import StartedByHand
from huddle.session.control_messages import COMPUTING, HUNG_UP, INPUT, Outcome

NAMES = ("Ada", "Bob", "Cyd")


class Ended(Proxy):
    """A proxy without ports, whose MPyC has hung up."""

    def __init__(self) -> None:
        self.hung_up = True
        self.finished = 0

    def finish(self) -> None:
        self.finished += 1


class Run:
    """Bob's side of run 2, with what the others say of theirs."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.state = 0
        self.outcomes: dict[int, Outcome] = {}
        self.peers: dict[int, Any] = {
            pid: SimpleNamespace(run=2, state=COMPUTING, member=SimpleNamespace(name=NAMES[pid]))
            for pid in (0, 2)
        }
        group: Any = SimpleNamespace(peers=self.peers, set_state=self._set_state)
        self.hand = StartedByHand(2, group, self.outcomes, self.told.append)

    def _set_state(self, run: int, state: int) -> None:
        assert run == 2
        self.state = state


async def test_a_peer_whose_mpyc_closes_its_connections_is_told_once_each_time() -> None:
    run = Run()
    for state in (HUNG_UP, HUNG_UP, COMPUTING, HUNG_UP):
        run.peers[0].state = state
        run.hand.tick(object())
    assert len(run.told) == 2 and "The MPyC that Ada started by hand has closed" in run.told[0]
    run.outcomes[0] = Outcome(2, True, "")
    run.hand.tick(object())
    run.outcomes[2] = Outcome(2, True, "")  # it ended, and only then is seen to have hung up
    run.peers[2].state = HUNG_UP
    run.hand.tick(object())
    del run.outcomes[2]
    run.peers[2].run = 1  # of the run before
    run.hand.tick(object())
    assert len(run.told) == 2


async def test_where_nobody_is_connected_any_more_the_run_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    run, proxy, now = Run(), Ended(), 100.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    run.outcomes[0] = Outcome(2, True, "")
    run.hand.tick(proxy)
    run.peers[2].state = HUNG_UP
    run.hand.tick(proxy)
    assert "No program is connected any more" in run.told[-1]
    now += by_hand.ALL_HUNG_UP - 1
    run.peers[2].state = COMPUTING  # it comes again
    run.hand.tick(proxy)
    now += 2
    run.peers[2].state = HUNG_UP
    run.hand.tick(proxy)
    now += by_hand.ALL_HUNG_UP - 1
    run.hand.tick(proxy)
    assert proxy.finished == 0
    proxy.hung_up = False
    now += 2
    run.hand.tick(proxy)
    proxy.hung_up = True
    run.hand.tick(proxy)
    assert proxy.finished == 0
    now += by_hand.ALL_HUNG_UP
    run.hand.tick(proxy)
    assert proxy.finished == 1


async def test_the_others_hear_what_the_mpyc_here_does() -> None:
    run = Run()
    for program, state in ((object(), COMPUTING), (Ended(), INPUT)):
        run.hand.begins(program)
        assert run.state == state
    run.hand.connected()
    assert run.state == COMPUTING
    run.hand.hung_up(None)  # a notebook's, between two cells
    assert run.state == INPUT and run.told == []
    run.hand.hung_up(300.0)
    assert run.state == HUNG_UP and "the run ends in 300 s" in run.told[0]
    assert control.STATES[HUNG_UP] == "hung_up"
