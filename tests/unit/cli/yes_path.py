"""What runs between the line by which a host says yes and the line on the guest's screen that tells so.

Both parties and the rendezvous are in this process, with the real thing from the answer to the printed line;
only the terminals are the test's. `python -m tests.unit.cli.yes_path` writes docs/message-path.md.
"""

import asyncio
import io
import sys
from contextvars import ContextVar
from pathlib import Path
from types import CodeType

from rich.console import Console

import huddle
from huddle import events
from huddle.cli.policy import GuestPolicy, HostPolicy
from huddle.cli.terminal.answers import Asked
from huddle.cli.terminal.board import Board
from huddle.cli.terminal.driver import Driver
from huddle.cli.terminal.view import View
from huddle.identity.contacts import Contacts
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig
from huddle.running import account
from huddle.session.party import Party
from huddle.session.plans import GuestPlan, HostPlan
from huddle.session.program import Program
from huddle.session.settings import Settings
from tests.unit.cli.terminal.desk import Screen

ROOT = Path(huddle.__file__).parent
DOCUMENT = Path(__file__).parents[3] / "docs" / "message-path.md"
BEGIN, END = "<!-- yes -->\n", "<!-- end of yes -->\n"
PARTIES = ("host", "rendezvous", "guest")
ASIDE = {"ticker", "host watch", "sweep"}  # tasks that go on all the time, whoever says what

Step = tuple[str, str, str]  # at whose, the file, the function

_whose = ContextVar("whose", default="rendezvous")
CRYPTO = NativeCrypto()


class Terminal(Screen):
    """A person who answers `line` once `says` is set, and then nothing; every event is printed."""

    def __init__(self, line: str) -> None:
        super().__init__()
        self._line: str | None = line
        self.says, self.deciding = asyncio.Event(), asyncio.Event()
        self.words, self.accepted = asyncio.Event(), asyncio.Event()
        self.printed = io.StringIO()
        self._view = View(Console(file=self.printed, width=80), Board(), planned=2)
        self.url: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def show(self, event: events.Event) -> None:
        self._view.show(event)
        match event:
            case events.Invitation(url=url):
                self.url.set_result(url)
            case events.Words():
                self.words.set()
            case events.Party(name="Ada", state="accepted"):
                self.accepted.set()

    async def ask(self, asked: Asked) -> str | None:
        self.deciding.set()
        await self.says.wait()
        line, self._line = self._line, None
        return line


async def _sit(whose: str, plan: HostPlan | GuestPlan, name: str, screen: Terminal) -> None:
    _whose.set(whose)
    settings = Settings(name, via="127.0.0.1", sandbox=False, networks=("tls",))
    policy = HostPolicy(False, False, frozenset()) if whose == "host" else GuestPolicy(False, False)
    party = Party(plan, settings, Identity.fresh(CRYPTO), Contacts())
    try:
        await Driver(party, screen, policy, tuple).run()  # type: ignore[arg-type]
    finally:
        party.leave("that is all")


async def _yes() -> list[Step]:
    steps: dict[Step, None] = {}
    reached = 0  # of PARTIES: what the host does later, as for the echo of its own words, is not on the way

    def runs(code: CodeType, _: int) -> None:
        nonlocal reached
        task = asyncio.current_task()
        if not code.co_filename.startswith(str(ROOT)) or (task and task.get_name() in ASIDE):
            return
        if "<" in code.co_qualname.replace(".<locals>.", "."):
            return  # a comprehension or a lambda of one that counts already
        at = PARTIES.index(_whose.get())
        if at in (reached, reached + 1):
            reached = at
            path = str(Path(code.co_filename).relative_to(ROOT))
            steps[PARTIES[at], path, code.co_qualname] = None

    async with RendezvousServer(ServerConfig()) as server:
        url = f"http://127.0.0.1:{server.port}"
        program = Program("prog.py", {"prog.py": b"pass\n"})
        ada, bob = Terminal("nobody"), Terminal("n")
        sitting = [asyncio.create_task(_sit("host", HostPlan(program, 2, rendezvous=url), "Ada", ada))]
        guest = GuestPlan(await ada.url)
        sitting.append(asyncio.create_task(_sit("guest", guest, "Bob", bob)))
        await ada.deciding.wait()
        await bob.words.wait()
        monitoring, starts = sys.monitoring, sys.monitoring.events
        monitoring.use_tool_id(monitoring.PROFILER_ID, "yes path")
        for event in (starts.PY_START, starts.PY_RESUME):
            monitoring.register_callback(monitoring.PROFILER_ID, event, runs)
        monitoring.set_events(monitoring.PROFILER_ID, starts.PY_START | starts.PY_RESUME)
        try:
            ada.says.set()
            await bob.accepted.wait()
        finally:
            monitoring.set_events(monitoring.PROFILER_ID, 0)
            monitoring.free_tool_id(monitoring.PROFILER_ID)
            bob.says.set()
            await asyncio.wait(sitting)
    assert "Ada accepts." in bob.printed.getvalue()
    return list(steps)


def steps() -> list[Step]:
    """The functions of Huddle that run for it, each once, in their order."""
    return asyncio.run(_yes())


def table(found: list[Step]) -> str:
    """As a Markdown table, a line for each of the three."""
    rows = ["| at | files, in the order in which they are reached | functions |", "| --- | --- | --- |"]
    for whose in PARTIES:
        here = [(file, name) for at, file, name in found if at == whose]
        files = dict.fromkeys(file for file, _ in here)
        rows.append(f"| {whose} | {', '.join(f'`{file}`' for file in files)} | {len(here)} |")
    files_ = len({file for _, file, _ in found})
    return "\n".join(rows) + f"\n\n{len(found)} functions in {files_} files.\n"


def with_table(document: str, found: list[Step]) -> str:
    """The document with this table between its marks."""
    before, rest = document.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table(found)}\n{END}{after}"


if __name__ == "__main__":
    account.refuse_root = lambda: None  # as in tests: only this process's own program is in it
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(), steps()))
