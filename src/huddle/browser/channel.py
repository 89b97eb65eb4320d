"""A channel to a runner worker: one peer's stream, whose bytes go by JavaScript (web/src/core/data-link.ts).

How much is under way to and from the runner, and what of it waits for the link's window, is kept there too.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from huddle.browser.link import ends
from huddle.links.frames import Slice
from huddle.links.wire import WireInfo
from huddle.running.channel import OpenLink, RunChannel

if TYPE_CHECKING:
    from huddle.running.run import Run


class ScriptChannel(RunChannel):
    """One peer's link with the runner's port behind it, as its run sees the two."""

    def __init__(
        self, run: "Run", pid: int, script: Any, open_link: OpenLink, on_wire: Callable[[int], None]
    ) -> None:
        super().__init__(run, pid)
        self._script = script
        self._on_wire = on_wire  # the link has one, the first or a new one
        self.link = open_link(self, make=ends(script, self))

    def link_restored(self, info: WireInfo) -> None:
        super().link_restored(info)
        self._on_wire(self.pid)

    # --- news of the program

    def peer_over(self) -> None:
        """The peer's program is over."""
        self._end_there()

    def written(self) -> None:
        """This program's END is written."""
        self._shut()

    def foul(self) -> None:
        """The program sent something other than frames."""
        self._run.fault("it sent something other than frames over its runner's port")

    # --- what a run does with it

    def drain(self, well: bool = True) -> None:
        """The runner is gone: what it left goes out, as the window allows, then END."""
        self._script.drain(well)

    def finish(self) -> None:
        """The runner writes no more: say END in its place, unless it said so itself."""
        self._script.end()
        self._shut()

    def close(self) -> None:
        """Forget the runner."""
        super().close()
        self._script.close()

    # --- what comes by JavaScript, and never here

    def link_frames(self, data: Slice) -> None:
        raise NotImplementedError("frames reach the runner by JavaScript")

    def link_taken(self, total: int) -> None:
        """JavaScript reads on by itself."""
