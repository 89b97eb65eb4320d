"""What a room's participant has: messages until they are taken, timers until they are due."""

from huddle.ceremony.log import Log
from huddle.ceremony.messages import Bye
from huddle.ceremony.room_io import RoomIO
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto


def room() -> RoomIO[str, str]:
    crypto = NativeCrypto()
    return RoomIO(Log(crypto, Identity.fresh(crypto), "0" * 32, bytes(32)), 10.0)


def test_messages_are_written_once_and_only_those_that_still_count() -> None:
    io = room()
    io.send(Bye("one"), 1)
    io.send(Bye("two"), 2)
    assert len(io.records(lambda epoch, message: epoch == 2)) == 1
    assert io.records() == [] and io.log.unechoed == 1


def test_events_are_told_once_in_order() -> None:
    io = room()
    io.tell("one")
    io.tell("two")
    assert io.events() == ["one", "two"] and io.events() == []


def test_a_timer_comes_once_when_it_is_due_and_not_if_an_earlier_one_stopped_it() -> None:
    io = room()
    io.timers.update(early=11.0, late=12.0, other=12.5, far=99.0)
    assert io.next_timer() == 11.0
    came = []
    for timer in io.due(13.0):
        came.append(timer)
        io.timers.pop("late", None)
    assert came == ["early", "other"] and io.now == 13.0
    assert list(io.due(13.0)) == [] and io.next_timer() == 99.0
    io.timers["near"] = 14.0
    io.stop_timers(but="far")
    assert io.timers == {"far": 99.0}
