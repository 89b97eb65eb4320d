"""A sealed session among peers that do things out of turn: they are named, bounded, and hold up nobody."""

import asyncio
import sys
from dataclasses import replace
from typing import Any

import pytest

from huddle import events
from huddle.ceremony.manifest import Flags, Manifest
from huddle.ceremony.messages import Options
from huddle.codec import encode
from huddle.errors import HuddleError, LocalError, PeerError
from huddle.running.interpreter import Interpreter
from huddle.session import control_messages as control
from huddle.session.allowance import BURST
from huddle.session.context import PartyContext
from huddle.session.control_messages import Answer, Chat, FilePart, FilesDone, Leave, Outcome, RunProposal
from huddle.session.native_platform import NativePlatform
from huddle.session.platform import ProgramRuntime
from huddle.session.program import Program
from huddle.session.sealed_session import SealedSession
from huddle.session.settings import Settings
from tests.unit.links.support import until
from tests.unit.session.company import CRYPTO, company

STAY = Options(stay=True)
INTERPRETER = Interpreter(sys.executable, (), (), "3.13", "0.11", None, None, None, 64)
OTHER = Program("prog.py", {"prog.py": b"print(2)\n"})


class Table:
    """One party of a session of three, whose peers are played by the test; runs are played too."""

    def __init__(self, pid: int, options: Options = STAY) -> None:
        self.seat = company(options=options)[pid]
        self.told: list[events.Event] = []
        self.said: list[control.Message] = []
        self.own = SealedSession(
            self.seat.sealed,
            PartyContext(
                settings=Settings("me"),
                platform=NativePlatform(),
                runtime=ProgramRuntime(INTERPRETER, None),
                identity=self.seat.identity,
                networks=[],
                emit=self.told.append,
                standing=lambda name, did: "new",
            ),
        )
        self.own._group.broadcast = self.said.append  # type: ignore[method-assign, assignment]
        self.own._group.broadcast_all = self._broadcast_all  # type: ignore[method-assign]
        self.ran: list[Manifest] = []
        self.files: list[dict[str, bytes]] = []
        self.own._execute = self._execute  # type: ignore[method-assign]
        self.running = asyncio.create_task(self.own.run_all({"prog.py": b"pass\n"}))

    async def _broadcast_all(self, messages: Any) -> None:
        for message in messages:
            self.said.append(message)

    async def _execute(self, manifest: Manifest) -> bool:
        self.own._ran = True
        self.own._agreements.runs()
        self.ran.append(manifest)
        self.files.append(dict(self.own.files))
        return True

    @property
    def questions(self) -> list[str]:
        return [event.what for event in self.told if isinstance(event, events.Question)]

    @property
    def errors(self) -> list[events.Error]:
        return [event for event in self.told if isinstance(event, events.Error)]

    def hear(self, pid: int, *messages: control.Message) -> None:
        for message in messages:
            self.own.group_message(pid, message)

    def manifest(self, run: int = 2, program: Program = OTHER, **more: Any) -> Manifest:
        first = self.seat.sealed.manifest
        known = {"session": self.seat.sealed.digest, "flags": first.flags, "versions": first.versions}
        more = {**known, **more}
        return program.manifest(more.pop("flags"), more.pop("versions"), run=run, **more)

    def propose(self, run: int = 2, program: Program = OTHER, **more: Any) -> None:
        """The host proposes."""
        manifest = self.manifest(run, program, **more)
        self.hear(0, RunProposal(encode(manifest)), FilePart(run, 0, program.files[program.entry]))
        self.hear(0, FilesDone(run))

    def answer(self, pid: int, run: int = 2, program: Program = OTHER) -> Answer:
        from huddle.session.agreement import Agreement

        seat = company(options=self.seat.sealed.options)[pid]
        return Agreement(CRYPTO, seat.identity, seat.sealed, self.manifest(run, program)).answer(True)

    async def settle(self) -> None:
        """Let all happen that needs no time."""
        for _ in range(60):
            await asyncio.sleep(0)

    async def broken(self) -> HuddleError:
        async with asyncio.timeout(5):
            try:
                await self.running
            except HuddleError:
                pass
        assert self.own.broken is not None
        return self.own.broken

    async def end(self) -> bool:
        async with asyncio.timeout(5):
            return await self.running


async def test_a_later_run_starts_when_all_have_signed_it() -> None:
    table = Table(1)
    await table.settle()
    table.propose()
    await table.settle()
    assert table.questions == ["program"] and len(table.ran) == 1
    table.own.answer(True, "")
    await table.settle()
    table.hear(0, table.answer(0))
    await table.settle()
    assert len(table.ran) == 1, "one answer is missing"
    table.hear(2, table.answer(2))
    await table.settle()
    assert [manifest.run for manifest in table.ran] == [1, 2] and table.files[1] == OTHER.files
    table.hear(0, Leave(""))
    assert await table.end()


async def test_answers_that_come_before_the_proposal_count() -> None:
    table = Table(1)
    await table.settle()
    table.hear(2, table.answer(2))
    table.propose()
    await table.settle()
    table.own.answer(True, "")
    table.hear(0, table.answer(0))
    await table.settle()
    assert len(table.ran) == 2
    table.hear(0, Leave(""))
    assert await table.end()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"run": 1}, "run 1 after run 1"),
        ({"run": 3}, "run 3 after run 1"),
        ({"session": bytes(32)}, "another session"),
        ({"flags": Flags(threshold=0)}, "other options or versions"),
        ({"versions": ()}, "other options or versions"),
    ],
)
async def test_a_host_that_proposes_what_nobody_agreed_to_is_named(more: dict[str, Any], words: str) -> None:
    table = Table(1)
    await table.settle()
    table.propose(**more)
    error = await table.broken()
    assert isinstance(error, PeerError) and error.peer == "Hanna" and words in error.message
    assert table.questions == [] and len(table.ran) == 1


async def test_a_second_run_needs_a_session_that_may_have_one() -> None:
    table = Table(1, Options())
    table.propose()
    assert "a single one" in (await table.broken()).message


async def test_a_host_that_proposes_the_second_run_before_the_first_is_named() -> None:
    table = Table(1)
    table.propose()
    assert "before the first" in (await table.broken()).message
    assert table.questions == []


async def test_a_manifest_that_must_not_run_breaks_the_session() -> None:
    table = Table(1)
    table.hear(0, RunProposal(b"nonsense"))
    assert "must not run" in (await table.broken()).message


async def test_a_guest_that_proposes_is_not_heard() -> None:
    table = Table(1)
    await table.settle()
    table.hear(2, RunProposal(encode(table.manifest())), FilesDone(2))
    await table.settle()
    assert table.questions == [] and table.own.broken is None
    table.hear(0, Leave(""))
    assert await table.end()


async def test_a_new_proposal_takes_the_place_of_the_one_that_is_open() -> None:
    table = Table(1)
    await table.settle()
    table.propose()
    await table.settle()
    again = Program("prog.py", {"prog.py": b"print(3)\n"})
    table.propose(3, again)
    await until(lambda: table.questions == ["program", "program"])
    table.own.answer(True, "")
    table.hear(0, table.answer(0, 3, again))
    table.hear(2, table.answer(2, 3, again))
    await until(lambda: len(table.ran) >= 2)
    assert table.ran[1].run == 3 and table.files[1] == again.files
    assert [message.run for message in table.said if isinstance(message, Answer)] == [3]
    table.hear(0, Leave(""))
    assert await table.end()


async def test_somebodys_no_ends_the_question_and_not_the_session() -> None:
    table = Table(1)
    await table.settle()
    table.propose()
    await table.settle()
    table.hear(2, Answer(2, False, b"", "Tea first."))
    await until(lambda: bool(table.errors))
    assert table.errors[0].peer == "Ann" and "Tea first." in table.errors[0].message
    table.propose(3)
    await table.settle()
    assert table.questions == ["program", "program"]
    table.hear(0, Leave(""))
    error = await table.broken()
    assert isinstance(error, PeerError) and error.peer == "Hanna"


async def test_own_no_is_told_and_waits_for_the_next() -> None:
    table = Table(1)
    await table.settle()
    table.propose()
    await table.settle()
    table.own.answer(False, "Never.")
    await table.settle()
    assert table.said == [Answer(2, False, b"", "Never.")] and not table.running.done()
    table.hear(0, Leave(""))
    assert await table.end(), "all runs that there were ended well"


async def test_who_leaves_before_the_first_run_is_not_waited_for() -> None:
    table = Table(1, Options())
    table.hear(2, Leave("no link"))
    error = await table.broken()
    assert isinstance(error, PeerError) and error.peer == "Ann" and "no link" in error.message


@pytest.mark.parametrize(("blamed", "named"), [(1, "Bob"), (2, "Ann"), (0, "Ann"), (7, "Ann"), (None, "Ann")])
async def test_who_leaves_because_of_another_is_not_to_blame(blamed: int | None, named: str) -> None:
    """Whoever blames this party or nobody of the roster is named itself."""
    table = Table(0, Options())
    table.hear(2, Leave("nothing was heard", blamed))
    error = await table.broken()
    assert isinstance(error, PeerError) and error.peer == named
    assert error.message.startswith("Ann left the session") and "nothing was heard" in error.message
    assert (f"because of {named}" in error.message) == (named != "Ann")


async def test_whose_fault_an_end_is_is_told_to_the_others() -> None:
    table = Table(0)
    await table.settle()
    table.own.group_failed(2, PeerError("Ann is gone.", peer="Ann"))
    await table.broken()
    await table.own.part("")
    assert table.said[-1] == Leave("Ann is gone.", 2)


async def test_who_leaves_between_two_runs_ends_the_session_in_peace() -> None:
    table = Table(0)
    await table.settle()
    table.hear(2, Leave(""))
    assert await table.end() and table.own.broken is None


async def test_a_peer_that_is_gone_between_two_runs_is_an_error() -> None:
    table = Table(0)
    await table.settle()
    table.own.group_failed(2, PeerError("Ann is gone.", peer="Ann"))
    assert (await table.broken()).message == "Ann is gone."


async def test_who_leaves_while_others_decide_is_named() -> None:
    table = Table(0)
    await table.settle()
    table.own.again(None)
    await table.settle()
    table.hear(1, Leave("bye"))
    error = await table.broken()
    assert isinstance(error, PeerError) and error.peer == "Bob"


async def test_the_host_runs_the_last_program_again_after_another_was_declined() -> None:
    table = Table(0)
    await table.settle()
    table.own.again(OTHER)
    await table.settle()
    table.hear(1, Answer(2, False, b"", "No."))
    await until(lambda: bool(table.errors))
    table.own.again(None)
    await table.settle()
    parts = [message for message in table.said if isinstance(message, FilePart)]
    assert [(part.run, part.data) for part in parts] == [(2, b"print(2)\n"), (3, b"pass\n")]
    table.own._break(PeerError("x", peer="Bob"))
    await table.broken()


async def test_a_program_that_cannot_be_proposed_leaves_the_session_as_it_is() -> None:
    table = Table(0)
    await table.settle()
    table.own.again(Program("prog.txt", {"prog.txt": b""}))
    await table.settle()
    assert [error.whose for error in table.errors] == ["local"] and not table.said
    assert table.questions == ["again", "again"]
    table.own.finish()
    assert await table.end()


async def test_the_host_is_told_of_the_program_that_it_proposes_as_the_others_are() -> None:
    table = Table(0)
    await table.settle()
    table.own.again(OTHER)
    await table.settle()
    (program,) = [event for event in table.told if isinstance(event, events.Program)]
    assert (program.run, program.entry) == (2, OTHER.entry)
    table.own._break(PeerError("x", peer="Bob"))
    await table.broken()


async def test_only_the_host_wants_another_run() -> None:
    table = Table(1)
    with pytest.raises(LocalError, match="Only the host"):
        table.own.again(None)
    table.hear(2, Leave(""))
    await table.broken()


async def test_large_files_follow_the_sealing_and_are_asked_about() -> None:
    table = Table(1, Options(files_follow=True))
    await table.settle()
    assert table.questions == [] and not table.ran
    table.hear(0, FilePart(1, 0, b"pass\n"), FilesDone(1))
    await table.settle()
    assert table.questions == ["program"]
    table.own.answer(False, "")
    await table.settle()
    assert not table.ran and not table.running.done()  # the host may propose it, or another one, again
    table.hear(0, Leave(""))
    assert not await table.end()


async def failing(table: Table) -> None:
    """The first run fails at once."""

    async def fails(manifest: Manifest) -> bool:
        await play(manifest)
        return len(table.ran) > 1

    play = table._execute
    table.own._execute = fails  # type: ignore[method-assign]
    await table.settle()


async def test_after_a_run_that_failed_a_guest_waits_for_the_host_and_is_asked_anew() -> None:
    table = Table(1, Options())
    await failing(table)
    assert not table.running.done() and table.questions == []
    table.propose()
    await table.settle()
    assert table.questions == ["program"] and len(table.ran) == 1
    table.own.answer(True, "")
    await table.settle()
    digest = next(one for one in table.said if isinstance(one, Answer))
    assert digest.accept
    table.hear(0, Leave(""))
    with pytest.raises(PeerError):  # before all had agreed
        await table.end()


async def test_after_a_run_that_went_well_none_follows_where_all_agreed_to_one() -> None:
    table = Table(1, Options())
    assert await table.end()
    table.propose()
    assert table.own.broken is not None and "single one" in table.own.broken.message


@pytest.mark.parametrize("lobby", [True, False])
async def test_a_host_is_asked_what_to_do_after_a_run_that_failed_where_somebody_is_there(
    lobby: bool,
) -> None:
    table = Table(0, Options())
    table.own.context = replace(table.own.context, lobby=lobby)
    await failing(table)
    assert table.questions == (["again"] if lobby else []) and table.running.done() is not lobby
    table.own.finish()
    assert not await table.end()


async def test_what_peers_say_out_of_turn_is_bounded() -> None:
    table = Table(1)
    await table.settle()
    for run in range(3, 3000):
        for pid in (0, 2):
            table.hear(pid, Outcome(run, True, ""), Answer(run, True, bytes(64), ""))
            table.hear(pid, FilePart(run, 0, bytes(100)), FilesDone(run))
    assert len(table.own._agreements._early) == len(table.own._outcomes) == 2
    table.hear(0, Leave(""))
    assert await table.end()


async def test_a_line_for_all_that_is_too_long_is_refused_here() -> None:
    table = Table(1)
    table.own.say("hello")
    with pytest.raises(LocalError, match="2000 bytes"):
        table.own.say("é" * 1001)
    assert table.said == [Chat("hello")]
    table.hear(2, Chat("hi"), Leave(""))
    assert events.Chat("Ann", "hi") in table.told


async def test_a_peer_that_says_more_than_anybody_can_read_fills_nobodys_screen() -> None:
    table = Table(1)
    table.hear(2, *[Chat("spam")] * 10_000)
    said = [event for event in table.told if isinstance(event, events.Chat)]
    assert BURST <= len(said) < 1_000
    (notice,) = {event.text for event in table.told if isinstance(event, events.Notice)}
    assert notice.startswith("Ann says more than anybody can read")
    table.hear(2, Leave(""))
    await table.broken()


async def test_a_bug_ends_the_session() -> None:
    table = Table(1)
    await table.settle()
    table.own.group_broken(LocalError("Huddle itself failed: KeyError."))
    assert (await table.broken()).whose == "local"
