"""Runs a program of MPyC as one party, and records what it does after what. A party's process is this module.

    python -m huddle_lab.traces.recorder OUTPUT SEED PROGRAM ARGUMENT...     HUDDLE_LAB_BARE=1: only its
    processor time

MPyC's files are as they are. What its event loop schedules goes by `RecordingLoop`, its futures are
`RecordingFuture`, and a few of its functions are wrapped: messages sent and received, talliers that wait
for several shares, and the two places that poll (which wait here, as polling would be taken for
computing).

Which step needs what:
- a step that another one schedules belongs to the segment of that one;
- a step that a future schedules needs what the future needed, and the segment that waited for it;
- who reads the result of a future that is done already needs what the future needed.

What follows from that for segments is in `huddle_lab.traces.segments`.
"""

import asyncio
import json
import logging
import os
import re
import runpy
import sys
import time
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import uvloop

from huddle_lab.runs import entry
from huddle_lab.traces.segments import NOTHING, Needs, Recorder

BARE = "HUDDLE_LAB_BARE"

RECORDER = Recorder()


class _AnyFuture(type):
    """Tasks, and the futures of event loops, are instances of `asyncio.Future` still."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _Future)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _Future)


_Future: Any = asyncio.Future


class RecordingFuture(_Future, metaclass=_AnyFuture):  # type: ignore[misc]
    """A future that knows what its result needed, and who waits for it."""

    def __init__(self, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        super().__init__(loop=loop)
        self.needs: Needs | None = None
        self.waiting: list[tuple[Any, Needs]] = []

    def set_result(self, result: Any) -> None:
        if self.needs is None:
            self.needs = RECORDER.here()
        super().set_result(result)

    def add_done_callback(self, callback: Any, *, context: Any = None) -> None:
        self.waiting.append((callback, RECORDER.here()))
        super().add_done_callback(callback, context=context)

    def result(self) -> Any:
        if self.needs:
            RECORDER.need(self.needs)
        return super().result()

    def __await__(self) -> Generator[Any, None, Any]:
        if not self.done():
            yield from super().__await__()
        return self.result()

    __iter__ = __await__

    def needed_by(self, callback: Any) -> Needs:
        """What a step needs that this future schedules."""
        waited = next((needs for one, needs in self.waiting if one is callback or one == callback), NOTHING)
        return (self.needs or NOTHING) | waited


class RecordingLoop(uvloop.Loop):
    """uvloop, which tells the recorder what schedules what."""

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.Handle:
        recorder = RECORDER
        if not recorder.recording:
            return super().call_soon(callback, *args, context=context)
        needs = recorder.here()
        if args and type(args[0]) is not type and isinstance(getattr(args[0], "waiting", None), list):
            needs = args[0].needed_by(callback)
        tallies = getattr(callback, "__name__", "") == "_decrement"
        segment = None if tallies or not needs else recorder.segment(needs)
        generation = recorder.generation + 1
        return super().call_soon(recorder.step, segment, generation, callback, args, context=context)

    def run_until_complete(self, future: Any) -> Any:
        """What a program does between two of these belongs to what ended the first."""
        RECORDER.switch(RECORDER.current)
        before = RECORDER.current
        try:
            return super().run_until_complete(future)
        finally:
            if RECORDER.recording:
                RECORDER.switch(_last_of(future, before))


def _last_of(future: Any, before: int | None) -> int | None:
    needs = getattr(future, "needs", None)
    if needs:
        return RECORDER.segment(needs)
    return before if before is not None else len(RECORDER.segments) - 1


class _Inbox(dict[int, Any]):
    """A connection's messages that wait or are waited for. MPyC looks here once for each that came."""

    def __init__(self, exchanger: Any) -> None:
        super().__init__()
        self.number = -1
        self.needs: dict[int, tuple[int, int]] = {}
        self._exchanger = exchanger

    def __contains__(self, pc: object) -> bool:
        self.number += 1
        RECORDER.received += RECORDER.recording
        RECORDER.arriving = (self._exchanger.peer_pid, self.number)
        return super().__contains__(pc)

    def __setitem__(self, pc: int, value: Any) -> None:
        if isinstance(value, bytes) and RECORDER.arriving is not None:
            self.needs[pc] = RECORDER.arriving
        super().__setitem__(pc, value)


def record(asyncoro: Any) -> None:
    """Wrap what MPyC sends, receives and waits for."""
    exchanger, tallier = asyncoro.MessageExchanger, asyncoro._SharesTallier
    init, send, data_received, receive = (
        exchanger.__init__, exchanger.send, exchanger.data_received, exchanger.receive
    )  # fmt: skip

    def inbox(self: Any, *args: Any) -> None:
        init(self, *args)
        self.buffers = _Inbox(self)

    def sending(self: Any, pc: int, payload: bytes) -> None:
        send(self, pc, payload)
        RECORDER.send(self.peer_pid, 12 + len(payload))

    def arriving(self: Any, data: bytes) -> None:
        try:
            data_received(self, data)
        finally:
            RECORDER.arriving = None

    def receiving(self: Any, pc: int) -> Any:
        payload = receive(self, pc)
        if isinstance(payload, bytes):
            future = RecordingFuture(loop=self.runtime._loop)
            future.needs = frozenset((self.buffers.needs.pop(pc),))
            future.set_result(payload)
            return future
        return payload

    exchanger.__init__, exchanger.send = inbox, sending
    exchanger.data_received, exchanger.receive = arriving, receiving

    def add_callbacks(self: Any, obj: Any) -> None:
        if isinstance(obj, asyncoro.SecureObject):
            obj = obj.share
        if isinstance(obj, _Future):
            if not obj.done():
                self.tally += 1
                obj.add_done_callback(self._decrement)
            else:
                _gather(self, obj)
        elif isinstance(obj, list | tuple):
            for one in obj:
                self._add_callbacks(one)

    plain_decrement = tallier._decrement

    def _decrement(self: Any, future: Any) -> None:
        _gather(self, future)
        plain_decrement(self, future)

    tallier._add_callbacks, tallier._decrement = add_callbacks, _decrement


def _gather(tallier: Any, future: Any) -> None:
    """A tallier needs what created it, and what each of its futures needed."""
    needs = getattr(future, "needs", None) or NOTHING
    tallier.needs = needs | (RECORDER.here() if tallier.needs is None else tallier.needs)


def wait_instead_of_polling(asyncoro: Any) -> None:
    """MPyC's barriers poll until nothing is left to compute; here they are woken when that is so."""
    reconcile, sleep = asyncoro._reconcile, asyncio.sleep
    pollers: list[tuple[int, Any]] = []

    def reconciled(decl: Any, task: Any) -> None:
        reconcile(decl, task)
        for one in list(pollers):
            level, future = one
            future.needs = (future.needs or NOTHING) | RECORDER.here()
            if asyncoro.runtime._pc_level <= level:
                pollers.remove(one)
                future.set_result(None)

    def sleeping(delay: float, result: Any = None) -> Any:
        if delay or sys._getframe(1).f_globals.get("__name__") != "mpyc.runtime":
            return sleep(delay, result)
        future = RecordingFuture(loop=asyncoro.runtime._loop)
        pollers.append((asyncoro.runtime._program_counter[1], future))
        return future

    asyncoro._reconcile, asyncio.sleep = reconciled, sleeping


def watch() -> None:
    """Begin and stop with MPyC, by its own log."""
    make = logging.getLogRecordFactory()
    began = time.process_time()
    alone = False

    def made(*args: Any, **kwargs: Any) -> logging.LogRecord:
        nonlocal alone
        found = make(*args, **kwargs)
        text = str(found.msg)
        if text.startswith("Start MPyC runtime"):
            alone = True
            entry.count_alike()  # so that it draws as the lab's runs with this seed do
        elif re.match(r"All \d+ parties connected", text):
            alone = False
            RECORDER.begin()
        elif text.startswith("Stop MPyC") and RECORDER.end is None:
            RECORDER.bytes = int(text.rpartition("bytes sent: ")[2] or 0)
            if alone:
                RECORDER.begin()
                RECORDER.since(began)
            RECORDER.stop()
        return found

    logging.setLogRecordFactory(made)


def main(arguments: Iterable[str]) -> None:
    """As the module says."""
    output, seed, program, *args = arguments
    entry.seed(seed, entry.index(args))
    bare = os.environ.get(BARE) == "1"
    asyncio.Future = RecordingFuture  # type: ignore[misc]
    sys.argv = [program, *args]
    watch()
    import mpyc  # noqa: F401 - chooses the policy of event loops

    asyncio.set_event_loop(uvloop.new_event_loop() if bare else RecordingLoop())
    from mpyc import asyncoro, runtime  # noqa: F401 - the latter makes the runtime

    wait_instead_of_polling(asyncoro)
    if not bare:
        record(asyncoro)
    sys.path.insert(0, str(Path(program).parent))
    runpy.run_path(program, run_name="__main__")
    Path(output).write_text(json.dumps(RECORDER.as_dict()), encoding="utf-8")


if __name__ == "__main__":
    # The program's futures and the recorder must be of one module.
    from huddle_lab.traces.recorder import main as imported

    imported(sys.argv[1:])
