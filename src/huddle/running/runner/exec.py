"""A program that replaces itself by os.exec, and goes on with its streams: MPyC connects anew, as by TCP.

Before the process is replaced, the connections that are open are ended, and what is known of the streams is
written to a file in memory, which the new program inherits with the sockets. If that is a Python, it finds
running/runner/resumed/sitecustomize.py on its path and calls `resume`. Children of the program are no
successors of it: they have other process ids, and inherit nothing.

This file must not import huddle: a runner loads it by its path, in any interpreter from Python 3.10 on.
"""

import base64
import functools
import json
import os
import sys
import tempfile
from collections import deque
from typing import Any

VARIABLE = "HUDDLE_RUNNER"  # of the environment: process id, and the descriptors of state, control and lane
LIMIT = 2.0  # seconds for what has to leave before


def watch_exec(config: "dict[str, Any]", control: Any, session: Any, lane: Any) -> None:
    """Hand over when this process is about to be replaced."""
    process, file = os.getpid(), _memory()
    descriptors = file, control.fd, lane.sock.fileno()
    variable = ":".join(str(number) for number in (process, *descriptors))
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "resumed")

    def told(environment: Any) -> "dict[Any, Any]":
        others = [part for part in environment.get("PYTHONPATH", "").split(os.pathsep) if part]
        return {**environment, VARIABLE: variable, "PYTHONPATH": os.pathsep.join([folder, *others])}

    def hook(event: str, args: Any) -> None:
        if event == "os.exec" and os.getpid() == process:
            _hand_over(file, config, session, lane)
            control.tell(replaced=True)
            for descriptor in descriptors:
                os.set_inheritable(descriptor, True)
            os.environ.update(told(os.environ))

    execve = os.execve

    @functools.wraps(execve)
    def exec_with(path: Any, argv: Any, env: Any) -> Any:
        # The hook is called when the environment that is given has been read already.
        return execve(path, argv, told(env) if os.getpid() == process else env)

    os.execve = exec_with
    sys.addaudithook(hook)


def _memory() -> int:
    """A descriptor of a file without a name."""
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _hand_over(file: int, config: "dict[str, Any]", session: Any, lane: Any) -> None:
    for channel in session.channels.values():
        if channel.transport:
            channel.transport.closing = True
            channel.close()
    lane.finish(LIMIT)
    state = {
        "config": config,
        "depth": session.depth,
        "lane": lane.state(),
        "channels": {pid: _channel_state(channel) for pid, channel in session.channels.items()},
    }
    os.lseek(file, 0, os.SEEK_SET)
    os.truncate(file, 0)
    with open(os.dup(file), "w") as text:
        json.dump(state, text)
    os.lseek(file, 0, os.SEEK_SET)


def _channel_state(channel: Any) -> "dict[str, Any]":
    early = [None if data is None else base64.b64encode(data).decode() for data in channel.waiting()]
    return {
        "opened": channel.opened,
        "finished": channel.finished,
        "ended": channel.ended,
        "early": early,
    }


def restore(state: "dict[str, Any]", session: Any, lane: Any) -> None:
    """Go on where the program before this one stopped."""
    session.depth = state["depth"]
    lane.restore(state["lane"])
    for pid, kept in state["channels"].items():
        channel = session.channels[int(pid)]
        channel.opened, channel.finished = kept["opened"], kept["finished"]
        channel.ended = kept["ended"]
        channel.keep(deque(None if data is None else base64.b64decode(data) for data in kept["early"]))


def taken_over() -> "tuple[int, int, dict[str, Any]] | None":
    """The control and lane descriptors, and the state, where this process has replaced a runner."""
    numbers = [int(part) for part in os.environ.pop(VARIABLE, "").split(":") if part.isdigit()]
    if len(numbers) != 4 or numbers[0] != os.getpid():
        return None
    _, file, control, lane = numbers
    with open(file, "rb") as state:
        return control, lane, json.load(state)
