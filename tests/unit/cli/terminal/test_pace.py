"""Events come no faster than the screen, and Ctrl-C gets ahead of them."""

import asyncio

from huddle import events
from huddle.cli.terminal.pace import Pace

OUTPUT = events.Output("stdout", "x" * 2000)


class Slow:
    """An outlet that is behind until `go`."""

    def __init__(self) -> None:
        self.behind = True
        self.went = asyncio.Event()

    def go(self) -> None:
        self.behind = False
        self.went.set()

    async def caught_up(self) -> None:
        await self.went.wait()


async def pass_on(pace: Pace, shown: list[events.Event], *told: events.Event) -> None:
    for event in told:
        pace.show(event, shown.append)
        await pace.wait(event)


async def test_the_next_event_waits_until_the_screen_has_caught_up() -> None:
    outlet, shown = Slow(), list[events.Event]()
    pace = Pace(outlet)
    task = asyncio.create_task(pass_on(pace, shown, OUTPUT, OUTPUT))
    for _ in range(5):
        await asyncio.sleep(0)
    assert shown == [OUTPUT] and pace.behind
    outlet.go()
    await task
    assert shown == [OUTPUT, OUTPUT]


async def test_other_tasks_have_their_turn_while_a_program_prints_without_end() -> None:
    turns = 0

    async def heartbeat() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beating = asyncio.create_task(heartbeat())
    await pass_on(Pace(None), [], *[OUTPUT] * 100)
    beating.cancel()
    assert turns >= 100


async def test_ctrl_c_does_not_wait_for_a_screen_that_is_behind() -> None:
    outlet, shown = Slow(), list[events.Event]()
    pace = Pace(outlet)
    over = events.Run(1, "failed")
    task = asyncio.create_task(pass_on(pace, shown, OUTPUT, OUTPUT, OUTPUT, over, OUTPUT))
    for _ in range(5):
        await asyncio.sleep(0)
    pace.hurry()
    for _ in range(5):
        await asyncio.sleep(0)
    assert shown[0] == OUTPUT and shown[2] == over, shown
    assert isinstance(shown[1], events.Notice) and "3.9 KiB" in shown[1].text
    outlet.go()
    await task
    assert shown[3:] == [OUTPUT], "the next run is shown again"


async def test_where_the_screen_is_up_to_date_ctrl_c_leaves_nothing_out() -> None:
    outlet, shown = Slow(), list[events.Event]()
    outlet.go()
    pace = Pace(outlet)
    pace.hurry()
    await pass_on(pace, shown, OUTPUT, events.Run(1, "failed"))
    assert shown == [OUTPUT, events.Run(1, "failed")]
