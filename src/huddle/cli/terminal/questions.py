"""The questions of one session, one at a time: whom and what the person is asked, and what their answers do.

Guests get a seat as they knock, and the person decides about all of them with the words and the program on
the screen (`huddle.cli.terminal.answers`). They are asked at the knock where a name is known under another
key, about who is not on the list that they gave (`--expect`), about who would take the seat of somebody they
called (`--with`), and about everybody once they have refused somebody, or wanted it so (`--ask-each`). Who
knocks while all seats are taken waits, and nobody is asked.
"""

from collections.abc import Awaitable, Callable

from huddle import events
from huddle.ceremony.messages import DECLINED
from huddle.cli.clashes import warning
from huddle.cli.policy import GuestPolicy, HostPolicy
from huddle.cli.program_source import ProgramSource
from huddle.cli.terminal import answers
from huddle.cli.terminal.answers import Asked, Person
from huddle.cli.terminal.form_questions import FormQuestions
from huddle.cli.terminal.lobby_questions import LobbyQuestions
from huddle.cli.terminal.screens import Screen
from huddle.cli.text import clean_line, listing, short_did
from huddle.errors import LocalError
from huddle.identity.names import alike
from huddle.session.party import Party
from huddle.session.program import Program
from huddle.texts import t, translated

LOBBY = events.Question("lobby")
_AWAY = {"left", "refused", "gone"}
_IN = {"seated", "admitted", "accepted"}


class Questions:
    """Asks on a screen, and tells the party what was decided."""

    def __init__(
        self,
        party: Party,
        screen: Screen,
        policy: HostPolicy | GuestPolicy,
        turn: Callable[[], Awaitable[None]],
        source: ProgramSource | None = None,
    ) -> None:
        self._party = party
        self._screen = screen
        self._policy = policy
        self._turn = turn
        self._parties: dict[str, events.Party] = {}
        self._proposed = self._first = ""  # digests of programs
        self._form = FormQuestions(party, screen)
        self._each = isinstance(policy, HostPolicy) and policy.each
        self._without_seat: dict[str, events.Question] = {}
        self._source = source
        planned = policy.parties if isinstance(policy, HostPolicy) else None
        self._lobby = LobbyQuestions(party, screen, parties=planned, source=source)
        self._failed = False  # the last run
        self._files: dict[str, str] = {}  # of the program that was proposed last, and their hashes

    @property
    def held(self) -> bool:
        """Whether the host's person has to say how to go on."""
        return self._lobby.held

    @property
    def stale(self) -> bool:
        """Whether the lobby's question that stands there is another one by now."""
        return self._lobby.stale

    def settle(self, question: events.Question) -> bool:
        """Do what needs no person: somebody gets a seat, or waits for one, or a rule says yes or no.

        Whether that is all: a question that stands, or one that has to be answered, holds nobody up.
        """
        if question.what != "admit":
            return False
        did = question.did
        standing = self._parties[did].standing if did in self._parties else "new"
        problem = self._unexpected(question)
        verdict = None
        if isinstance(self._policy, HostPolicy):
            verdict = self._policy.admit(did, standing, expected=not problem)
        if verdict is not False and self._is_full() and not self._has_seat(did):
            self._without_seat[did] = question
            self._screen.show(events.Notice(f"{question.name} waits: all seats are taken."))
        elif verdict:
            self._party.admit(did)
        elif verdict is False:
            self._party.refuse(did, "the host admits known people only")
        elif self._each or problem or self._reserved() or standing == "alarm":
            return False
        else:
            self._party.seat(did)
        return True

    def freed(self) -> list[events.Question]:
        """Those who waited for a seat, where the person has made room for them."""
        if self._is_full():
            return []
        waiting, self._without_seat = list(self._without_seat.values()), {}
        return waiting

    def note(self, event: events.Event) -> list[events.Question]:
        """Note an event; the questions that were put off and can be asked now."""
        if isinstance(event, events.Program):
            self._note_program(event)
        if isinstance(event, events.Run):
            self._failed = event.state == "failed"
        if event == LOBBY:
            self._lobby.held = True
        if not isinstance(event, events.Party):
            return []
        self._parties[event.did] = event
        if event.standing == "self":
            self._form.pid = event.pid
        if event.state not in _AWAY:
            return []
        self._without_seat.pop(event.did, None)
        waiting, self._without_seat = list(self._without_seat.values()), {}
        return [*waiting, *self._doubled(event)]

    def _note_program(self, event: events.Program) -> None:
        files = {one["path"]: one["sha256"] for one in event.files}
        if self._proposed not in ("", event.digest):
            changed = [path for path, digest in files.items() if self._files.get(path) != digest]
            names = listing(list(map(clean_line, changed)))
            self._screen.show(
                events.Notice(f"The program is another one than before: {names}.")
                if changed
                else events.Notice("The program is another one than before.")
            )
        self._proposed, self._files = event.digest, files
        self._form.entry, self._form.args = event.entry, event.args

    def _doubled(self, gone: events.Party) -> list[events.Question]:
        """Ask about who has a seat by the list, where somebody else has knocked by the same name."""
        if not isinstance(self._policy, HostPolicy) or self._policy.expected is None:
            return []
        seated = [
            events.Question("admit", one.name, one.did)
            for one in self._parties.values()
            if one.state == "seated" and one.did != gone.did and alike(one.name, gone.name)
        ]
        return [question for question in seated if self._unexpected(question)]

    def knows(self, did: str) -> bool:
        """Whether this party has been seen."""
        return did in self._parties

    def has_left(self, did: str) -> bool:
        """Whether nothing needs to be decided about this party any more."""
        known = self._parties.get(did)
        return known is not None and known.state == "left"

    async def decide(self, question: events.Question) -> None:
        """Decide, by the policy or by asking."""
        match question.what:
            case "admit":
                if not self.settle(question):
                    await self._ask_to_admit(question)
            case "accept":
                await self._accept(question)
            case "program":
                await self._program(question)
            case "again":
                await self._again()
            case "lobby":
                await self._lobby.ask(lambda: self._people(seated=True), self._refused)
                self._each = self._each or self._lobby.removed

    # --- whom to let in

    def _free(self) -> int | None:
        """Seats that no guest has; None where any number may come."""
        taken = sum(one.state in _IN and one.standing != "self" for one in self._parties.values())
        return None if self._lobby.parties is None else self._lobby.parties - 1 - taken

    def _is_full(self) -> bool:
        free = self._free()
        return free is not None and free <= 0

    def _has_seat(self, did: str) -> bool:
        return did in self._parties and self._parties[did].state in _IN

    def _reserved(self) -> str:
        """Why nobody gets a seat unasked, where those that are free are for whom the host has called."""
        free = self._free()
        if not isinstance(self._policy, HostPolicy) or free is None:
            return ""
        called = [did for did in self._policy.called if not self._has_seat(did)]
        return t("The free seats are for those whom you called.") if 0 < free <= len(called) else ""

    def _unexpected(self, question: events.Question) -> str:
        """Why this is nobody on the person's list; empty where there is none."""
        expected = self._policy.expected if isinstance(self._policy, HostPolicy) else None
        if expected is None:
            return ""
        others = [(one.name, one.did) for one in self._parties.values() if one.did != question.did]
        return expected.problem(question.name, question.did, others)

    async def _ask_to_admit(self, question: events.Question) -> None:
        name = clean_line(question.name)
        problem = self._unexpected(question) or self._reserved()
        asked = Asked(
            t("Let {name} in, {did}?", name=name, did=short_did(question.did))
            if problem
            else t("Let {name} in?", name=name),
            ((answers.letter("y"), t("let them in")), ("n", t("not now; they may knock again"))),
            clean_line(translated(problem)),
        )
        verdict = await self._until_clear(asked, answers.yes)
        if verdict:
            self._party.admit(question.did)
        else:
            self._each = True
            self._party.refuse(question.did, DECLINED)

    # --- people, words and program

    async def _accept(self, question: events.Question) -> None:
        self._first = self._proposed
        if isinstance(self._policy, GuestPolicy):
            entry = clean_line(self._form.entry)
            if clash := warning(entry, self._policy.taken, self._party.files):
                self._screen.show(events.Notice(clash))
        verdict = self._by_policy(question)
        if verdict is None:
            await self._ask_for_all()
        elif verdict:
            self._party.accept()

    def _by_policy(self, question: events.Question) -> bool | None:
        if isinstance(self._policy, HostPolicy):
            return self._policy.accept()
        host = self._parties.get(question.did)
        return self._policy.accept(host.standing if host else "new", same=self._proposed == self._first)

    def _people(self, *, seated: bool = False) -> list[Person]:
        """The others in the roster; `seated`: all who have a seat, before there is one."""
        others = [
            one
            for one in self._parties.values()
            if one.standing != "self"
            and (one.pid is not None or seated)
            and one.state not in _AWAY
            and (not seated or one.state in _IN)
        ]
        return [
            Person(number if one.pid is None else one.pid, one.name, one.did, one.standing == "verified")
            for number, one in enumerate(sorted(others, key=lambda one: one.pid or 0), 1)
        ]

    def _refused(self) -> list[Person]:
        """Those who were refused and are still here."""
        waiting = [one for one in self._parties.values() if one.state == "refused"]
        return [Person(number, one.name, one.did) for number, one in enumerate(waiting, 1)]

    async def _ask_for_all(self) -> None:
        host = isinstance(self._policy, HostPolicy)
        problem = ""
        if not host and not self._screen.script:
            self._form.say_purpose()
        while True:
            people = self._people()
            beside = self._form.options
            asked = _deciding(people, host=host, problem=problem, beside=beside, lobby=self._policy.lobby)
            line = await self._screen.ask(asked)
            decision = answers.Decline() if line is None else answers.decide(line, people, host=host)
            problem = ""
            match decision:
                case answers.Unclear(why):
                    problem = why
                    continue
                case answers.ViewProgram():
                    await self._screen.read(self._party.files, self._turn)
                    continue
                case answers.Options() if beside:
                    if not await self._form.fill_in(all_=True):
                        self._party.decline("declined to take part")
                        return
                    continue
                case answers.Options():
                    problem = t("It has no options that you could give.")
                    continue
                case answers.Accept(heard):
                    # A host was asked before there was an invitation.
                    if not host and not await self._form.fill_in(all_=False):
                        self._party.decline("declined to take part")
                        return
                    self._party.heard(heard)
                    self._party.accept()
                case answers.Differ():
                    self._party.differ()
                case answers.Refuse(did):
                    self._each = True  # somebody has the invitation who should not
                    self._party.refuse(did, DECLINED)
                case answers.Decline() if self._policy.lobby and line is not None:
                    self._party.not_now("the host wants to wait" if host else "not now")
                case answers.Decline():
                    self._party.decline("declined to take part")
            return

    # --- later runs

    async def _program(self, question: events.Question) -> None:
        verdict = self._by_policy(question)
        if verdict is None:
            choices = (
                (answers.letter("y"), t("run it here")),
                ("v", t("view it")),
                ("n", t("not this one")),
            )
            asked = Asked(t("Run this program here?"), choices)
            while isinstance(answer := await self._until_clear(asked, answers.run), answers.ViewProgram):
                await self._screen.read(self._party.files, self._turn)
            verdict = bool(answer)
        if verdict:
            self._party.accept()
        else:
            self._party.decline("")

    async def _again(self) -> None:
        failed = self._failed
        once = (
            t("try it again with the same people") if failed else t("run it once more with the same people")
        )
        choices = [(answers.letter("y"), once), ("q", t("end"))]
        if self._source is not None:
            choices.insert(1, (t("p [FILE ARGS]"), t("another program")))
        problem = ""
        while True:
            asked = Asked(t("Try again?") if failed else t("Once more?"), tuple(choices), problem)
            line = await self._screen.ask(asked)
            if line is None or answers.again(line) is False:  # also where nobody is there to type
                self._party.finish()
                return
            word, _, other = line.strip().partition(" ")
            try:
                if answers.again(line) or (word == "p" and self._source is not None):
                    program = self._next_program(other if word == "p" else "")
                    self._party.again(*([program] if program is not None else []))
                    return
            except LocalError as error:
                problem = f"{translated(error.message)} {translated(error.hint)}".strip()
                continue
            typed = clean_line(line.strip())
            problem = t("{text} is no answer.", text=typed) if typed else t("Nothing is decided yet.")

    def _next_program(self, other: str) -> Program | None:
        """What runs next: the program as it is on the disk now; None where that is the same as before."""
        if self._source is None:
            return None
        program = self._source.other(other) if other else self._source.again()
        changed = self._source.take(program)
        if changed:
            self._screen.show(events.Notice(f"It is proposed as it is now: {changed}."))
        return program if changed else None

    async def _until_clear[T](self, asked: Asked, meaning: Callable[[str], T | None]) -> T | None:
        """Ask until the answer means something; None where nothing can be typed any more."""
        problem = asked.problem
        while True:
            line = await self._screen.ask(Asked(asked.question, asked.choices, problem))
            if line is None:
                return None
            answer = meaning(line)
            if answer is not None:
                return answer
            typed = clean_line(line.strip())
            problem = t("{text} is no answer.", text=typed) if typed else t("Nothing is decided yet.")


def _deciding(people: list[Person], *, host: bool, problem: str, beside: str, lobby: bool) -> Asked:
    """The one question about people, words and program."""
    if all(person.verified for person in people):
        question = t("Start?") if host else t("Run this program here?")
        choices = [(answers.letter("y"), t("start") if host else t("run it here"))]
    elif host:
        question = t("Whom did you hear say these words? Then start.")
        choices = [
            (t("all"), t("all of them, start")),
            (t("NAMES"), t("these, start")),
            (t("nobody"), t("start all the same")),
        ]
    else:
        question = t("Whom did you hear say these words? Then run the program here.")
        choices = [
            (t("all"), t("all of them, run it here")),
            (t("NAMES"), t("these, run it here")),
            (t("nobody"), t("run it here all the same")),
        ]
    choices += [("w", t("my words differ")), ("v", t("view the program"))]
    if beside:
        choices.append(("o", t("give it {names}", names=beside)))
    if host:
        choices.append((t("r NAME"), t("refuse somebody")))
    if lobby:
        choices.append(("n", t("not now")))
    else:
        choices.append(("n", t("end the session") if host else t("take no part")))
    return Asked(question, tuple(choices), problem)
