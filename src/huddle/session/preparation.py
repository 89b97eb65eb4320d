"""What a proposed program needs, got while its person still thinks; nothing of it runs before their yes."""

import asyncio
from collections.abc import Callable, Mapping

from huddle import events
from huddle.errors import HuddleError
from huddle.session.platform import Platform, ProgramRuntime
from huddle.session.settings import Settings
from huddle.tasks import cancel


class Preparation:
    """Begins with each question about a program. What fails is told, and tried again when it is to run."""

    def __init__(
        self,
        platform: Platform,
        settings: Settings,
        notice: Callable[[str], None],
        fail: Callable[[BaseException], None],
    ) -> None:
        self.ground: ProgramRuntime | None = None  # where programs run, once that is known
        self._platform, self._settings = platform, settings
        self._notice, self._fail = notice, fail
        self._entry = ""
        self._task: asyncio.Task[None] | None = None

    def note(self, event: events.Event, files: Mapping[str, bytes]) -> None:
        """Note what happens; `files` are those of the program that is proposed."""
        elsewhere = self._settings.by_hand or self._settings.plain_end
        match event:
            case events.Program(entry=entry):
                self._entry = entry
            case events.Question(what="accept" | "program") if self.ground is not None and not elsewhere:
                if self._task is not None:
                    self._task.cancel()
                self._task = asyncio.create_task(self._get(self.ground, files), name="packages")

    async def end(self) -> None:
        """The session ends: nothing more is got."""
        await cancel(self._task)

    async def _get(self, ground: ProgramRuntime, files: Mapping[str, bytes]) -> None:
        try:
            await self._platform.interpreter(self._settings, ground, self._entry, files, self._notice)
        except HuddleError as error:
            self._notice(f"{error.message} {error.hint}")
        except Exception as error:
            self._fail(error)
