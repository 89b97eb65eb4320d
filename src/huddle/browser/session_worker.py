"""The session worker: one party's session, told to the page and decided by it.

What goes to and fro is described, with types, in web/src/core/protocol.ts. The page is trusted as a
terminal is natively; what it says is checked all the same, so that a mistake is an error and no surprise.
"""

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from pyodide.ffi import to_js

from huddle import events
from huddle.browser.imports import imported, syntax_problem
from huddle.browser.js_values import array, record
from huddle.browser.language import PageLanguage
from huddle.browser.loop import MailboxLoop
from huddle.browser.page_form import PageForm, shared_form
from huddle.browser.platform import BrowserPlatform
from huddle.browser.rooms import PageRooms, kept_room
from huddle.browser.spake2_shim import install
from huddle.errors import LocalError, ProgramError, unexpected
from huddle.identity.contacts import Contacts
from huddle.identity.crypto import SigningKey
from huddle.identity.keys import Identity
from huddle.networks import registry
from huddle.session.form import program_form
from huddle.session.party import Party
from huddle.session.plans import GuestPlan, HostPlan
from huddle.session.program import Program
from huddle.session.room_keeping import NoKeeper, RoomKeeper
from huddle.session.settings import Settings

_AHEAD = 8  # pieces of a program's output that the page has not shown yet


class PageController:
    """Between the page and the party: what the page decides, and what it is told.

    `page` is the object of session-worker.ts: `id` of its notes, `tell(event)`, the identity's `pair`, the
    functions of `crypto`, the `runners`, the URL of the `rendezvous` that served the page, and the
    `catalogue` of its language.
    """

    def __init__(self, page: Any) -> None:
        self._page = page
        self._language = PageLanguage(page.catalogue)
        self._place = BrowserPlatform(page.crypto, page.runners)
        self._identity = Identity.of(self._place.crypto, SigningKey(page.pair))
        self._pseudonym = False  # nothing of this session is kept
        self._party: Party | None = None
        self._question: events.Question | None = None  # the last one
        self._examining: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._shared: PageForm | None = None  # what the host's form asks for, for the program chosen last
        self._own: PageForm | None = None  # what is asked of this person for the program that is proposed
        self._program: events.Program | None = None
        self._pid = 0
        self._private: tuple[str, ...] = ()  # arguments that were given otherwise than by a form
        self._unseen = 0
        self._seen = asyncio.Event()
        self._begun: asyncio.Future[Party] = asyncio.get_running_loop().create_future()

    async def serve(self) -> None:
        """One session, from the page's first word to its end."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, MailboxLoop)
        loop.listen(self._page.id, self._asked)
        self._tell("ready", did=self._identity.did)
        party = await self._begun
        run = 1
        async for event in party:
            if isinstance(event, events.Program):
                self._program, run = event, event.run
            if isinstance(event, events.Party) and event.standing == "self" and event.pid is not None:
                self._pid = event.pid
            if isinstance(event, events.Ended):
                record = None if party.record is None else array(party.record)
                contacts = self._page.contacts if self._pseudonym else party.contacts.to_json()
                self._tell("kept", contacts=contacts, record=record)
            if isinstance(event, events.Question):
                self._question = event
            self._tell_event(event)
            if isinstance(event, events.Question) and event.what in ("accept", "program"):
                self._page.runners.expect(to_js(imported(party.files)))
                self._own = self._own_form(party)
                form = None if self._own is None else self._own.shown()
                contents = {path: array(data) for path, data in party.files.items()}
                self._tell("files", run=run, files=contents, form=form)
            if isinstance(event, events.Output):
                await self._shown()

    async def _shown(self) -> None:
        """Let others have their turn, and wait until the page is not far behind with the program's output."""
        self._unseen += 1
        await asyncio.sleep(0)
        while self._unseen >= _AHEAD:
            self._seen.clear()
            await self._seen.wait()

    def _tell_event(self, event: events.Event) -> None:
        self._tell(event.event, **{field.name: getattr(event, field.name) for field in fields(event)})

    def _tell(self, event: str, **values: Any) -> None:
        self._page.tell(record({"event": event, **self._language.event(event, values)}))

    def _asked(self, kind: int, decision: Any) -> None:
        what = decision.do
        if what == "seen":
            self._unseen = max(0, self._unseen - 1)
            self._seen.set()
            return
        try:
            self._decide(what, decision)
        except Exception as failed:  # whatever it is, the person can try it another way
            error = unexpected(failed)
            if self._party is None:
                self._tell("rejected", message=error.message, hint=error.hint)
                return
            self._tell("error", whose=error.whose, message=error.message, hint=error.hint, peer="")
            if what in ("accept", "again", "propose") and self._question is not None:
                self._tell_event(self._question)

    async def _examine(self, number: int, entry: str, files: Mapping[str, bytes]) -> None:
        """Say of a program, before anybody is invited to it, what is wrong with it and what it can't have."""
        problem, form = syntax_problem(files), None
        try:
            try:
                self._shared = shared_form(entry, files)
                form = self._shared.shown()
            except ProgramError as error:
                self._shared, problem = None, problem or error.message
            missing = await self._place.missing(files)
            self._tell("examined", number=number, problem=problem, missing=missing, form=form)
        except Exception as failed:
            self._tell("notice", text=unexpected(failed).message)

    def _decide(self, what: str, said: Any) -> None:  # noqa: C901 - one case a decision
        party = self._party
        if what == "examine":
            examining = self._examine(int(said.number), said.entry, _files(said.files))
            self._examining = asyncio.get_running_loop().create_task(examining)
        elif what == "check":
            form = self._shared if said.which == "shared" else self._own
            problems = form.problems(said.answers.to_py()) if form is not None else {}
            self._tell("checked", which=said.which, problems=problems)
        elif what == "end_room":
            self._ending = asyncio.get_running_loop().create_task(kept_room(said.kept).end())
        elif what in ("host", "join"):
            if party is None:
                self._private = _private_args(said)
                self._party = self._host(said) if what == "host" else self._join(said)
                self._begun.set_result(self._party)
        elif party is None:
            raise LocalError("There is no session yet.")
        elif what == "admit":
            party.admit(said.did)
        elif what == "refuse":
            party.refuse(said.did, said.reason)
        elif what == "heard":
            party.heard(said.dids.to_py())
        elif what == "accept":
            if _given(said, "privateArgs") is not None or _given(said, "inputs") is not None:
                self._give(party, said)
            party.accept()
        elif what == "differ":
            party.differ()
        elif what == "decline":
            party.decline(said.reason)
        elif what == "not_now":
            party.not_now(said.reason)
        elif what == "propose":
            party.propose()
        elif what == "change":
            self._change(party, said)
        elif what == "new_code":
            party.new_code()
        elif what == "again":
            party.again(_program(said.program) if _given(said, "program") else None)
        elif what == "finish":
            party.finish()
        elif what == "type_line":
            party.type_line(_given(said, "line"))
        elif what == "say":
            party.say(said.text)
        elif what == "stop_run":
            party.stop_run()
        elif what == "leave":
            party.leave(said.reason)

    def _change(self, party: Party, said: Any) -> None:
        """The host, until the start: another program, or number of people."""
        if (parties := _given(said, "parties")) is not None:
            party.change(parties=int(parties))
            self._tell("planned", parties=int(parties))
        if _given(said, "program") is not None:
            party.change(_program(said.program))

    def _own_form(self, party: Party) -> PageForm | None:
        """What this person is asked for beside what they gave; None where the block is wrong."""
        program = self._program
        if program is None:
            return None
        try:
            form = program_form(program.entry, party.files)
        except ProgramError as error:
            self._tell("notice", text=error.message)
            return None
        return PageForm(form, "own", self._pid, program.args, self._private, tuple(party.files))

    def _give(self, party: Party, said: Any) -> None:
        """What the program gets from this person alone: arguments, files, and answers to its form."""
        private, files = _private_args(said), {path.name: path for path in _inputs(said)}
        self._private = private
        answers = said.answers.to_py() if _given(said, "answers") else None
        if self._own is None or answers is None:
            party.give(private, tuple(files.items()))
            return
        filling = replace(self._own, private=private).fill(answers, files)
        used = {path for _, path in filling.files}
        beside = tuple((name, path) for name, path in files.items() if path not in used)
        party.give(filling.private, (*beside, *filling.files))

    def _become(self, said: Any) -> Identity:
        """Who takes part: the identity of this browser, or somebody new."""
        self._pseudonym = bool(_given(said, "pseudonym"))
        return Identity.fresh(self._place.crypto) if self._pseudonym else self._identity

    def _host(self, said: Any) -> Party:
        again = _given(said, "again")
        elsewhere = _given(said, "rendezvous") or self._page.rendezvous
        plan = HostPlan(
            _program(said.program),
            int(said.parties),
            threshold=_given(said, "threshold"),
            no_prss=bool(_given(said, "noPrss")),
            stay=bool(_given(said, "stay")),
            record=bool(_given(said, "record")),
            lobby=bool(_given(said, "lobby")),
            rendezvous=elsewhere if again is None else None,  # where the room was
        )
        me = self._become(said)
        rooms: RoomKeeper = NoKeeper() if self._pseudonym else PageRooms(self._keep_room, me.did, again)
        return Party(plan, _settings(said), me, self._contacts(), surroundings=self._place, rooms=rooms)

    def _keep_room(self, text: str) -> None:
        self._tell("room", kept=text)

    def _join(self, said: Any) -> Party:
        plan = GuestPlan(
            said.invitation,
            _given(said, "rendezvous") or self._page.rendezvous,
            digest=_given(said, "digest"),
            record=bool(_given(said, "record")),
            patient=bool(_given(said, "patient")),
        )
        return Party(plan, _settings(said), self._become(said), self._contacts(), surroundings=self._place)

    def _contacts(self) -> Contacts:
        kept = self._page.contacts
        return Contacts.from_json(kept) if kept else Contacts()


def main(box: Any, page: Any) -> None:
    """Serve the page until its session has ended."""
    install()
    asyncio._set_running_loop(None)
    loop = MailboxLoop(box)
    asyncio.set_event_loop(loop)

    async def serve() -> None:
        await PageController(page).serve()

    loop.run_until_complete(serve())


def _given(said: Any, name: str) -> Any:
    return getattr(said, name, None)


def _program(said: Any) -> Program:
    """The program that the page names, with the host's answers to what its form asks for all."""
    files, args = _files(said.files), tuple(said.args.to_py())
    if answers := _given(said, "answers"):
        args = shared_form(said.entry, files, args).fill(answers.to_py(), {}).shared
    return Program(said.entry, files, args)


def _files(files: Any) -> dict[str, bytes]:
    return {path: bytes(data) for path, data in files.to_py().items()}


def _private_args(said: Any) -> tuple[str, ...]:
    args = _given(said, "privateArgs")
    return tuple(args.to_py()) if args else ()


def _inputs(said: Any) -> tuple[Path, ...]:
    """The private files, in this worker's memory."""
    inputs = []
    if given := _given(said, "inputs"):
        folder = Path(tempfile.mkdtemp(prefix="huddle-inputs-"))
        for name, data in given.to_py().items():
            inputs.append(folder / Path(name).name)
            inputs[-1].write_bytes(data)
    return tuple(inputs)


def _settings(said: Any) -> Settings:
    networks = _given(said, "networks")
    return Settings(
        said.name,
        networks=tuple(networks.to_py()) if networks else registry.automatic(in_browser=True),
        private_args=_private_args(said),
        inputs=_inputs(said),
        grace=_given(said, "grace") or 30.0,
        stall=_given(said, "stall"),
        plain_end=bool(_given(said, "plainEnd")),
        pseudonym=bool(_given(said, "pseudonym")),
        max_queue=_given(said, "maxQueue") or 0,
    )
