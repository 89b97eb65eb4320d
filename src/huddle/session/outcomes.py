"""What a party tells the others of how its part of a run ended: the cause, and nothing that is private."""

import re
from collections.abc import Mapping

from huddle.ceremony.messages import shorten
from huddle.errors import LocalError
from huddle.running.spec import RunnerExit

STOPPED = "stopped the run"  # which is meant for all: who stops a run stops it everywhere


class Stopped(LocalError):
    """The person here ended the run."""


def cause(exit_: RunnerExit, contents: Mapping[str, bytes]) -> str:
    """How a program ended, for the others: its own words may hold its private inputs, so they stay here.

    A module that it lacks is named where the program's files, which all have, name it too.
    """
    lacks = re.match(r"ModuleNotFoundError: No module named '(\w{1,80})[.'\w]*'", exit_.reason)
    if lacks and any(lacks[1].encode() in data for data in contents.values()):
        return f"its program needs {lacks[1]}, which is not there"
    kind = exit_.reason.partition(":")[0]
    if re.fullmatch(r"[A-Za-z_][\w.]{0,80}(Error|Exception|Group|Interrupt|Iteration|Warning)", kind):
        return f"its program failed with {kind}"
    if exit_.code is None:
        return f"its program failed: {shorten(exit_.reason)}"
    return f"its program exited with code {exit_.code}"
