"""The questions of one session, one at a time: whom and what the person is asked, and what their answers do.

Guests get a seat as they knock, and the person decides about all of them with the words and the program on
the screen (`huddle.cli.terminal.answers`). They are asked at the knock where a name is known under another
key, about who is not on the list that they gave (`--expect`), and about everybody once they have refused
somebody, or wanted it so (`--ask-each`). Who knocks while all seats are taken waits, and nobody is asked.
"""

from collections.abc import Awaitable, Callable

from huddle import events
from huddle.cli.clashes import warning
from huddle.cli.forms import find_file, options, question
from huddle.cli.policy import GuestPolicy, HostPolicy
from huddle.cli.terminal import answers
from huddle.cli.terminal.answers import Asked, Person
from huddle.cli.terminal.screens import Screen
from huddle.cli.text import clean_line, short_did
from huddle.errors import ProgramError
from huddle.identity.names import alike
from huddle.session.filling import Filling
from huddle.session.form import program_form
from huddle.session.party import Party

_AWAY = {"left", "refused", "gone"}
_IN = {"seated", "admitted", "accepted"}
GUEST = 1  # the number of a guest that has none yet


class Questions:
    """Asks on a screen, and tells the party what was decided."""

    def __init__(
        self,
        party: Party,
        screen: Screen,
        policy: HostPolicy | GuestPolicy,
        turn: Callable[[], Awaitable[None]],
    ) -> None:
        self._party = party
        self._screen = screen
        self._policy = policy
        self._turn = turn
        self._parties: dict[str, events.Party] = {}
        self._proposed = self._first = ""  # digests of programs
        self._entry = ""
        self._args: tuple[str, ...] = ()  # the shared ones of that program
        self._each = isinstance(policy, HostPolicy) and policy.each
        self._without_seat: dict[str, events.Question] = {}

    def note(self, event: events.Event) -> list[events.Question]:
        """Note an event; the questions that were put off and can be asked now."""
        if isinstance(event, events.Program):
            self._proposed, self._entry, self._args = event.digest, event.entry, event.args
        if not isinstance(event, events.Party):
            return []
        self._parties[event.did] = event
        if event.state not in _AWAY:
            return []
        self._without_seat.pop(event.did, None)
        waiting, self._without_seat = list(self._without_seat.values()), {}
        return [*waiting, *self._doubled(event)]

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
                await self._admit(question)
            case "accept":
                await self._accept(question)
            case "program":
                await self._program(question)
            case "again":
                await self._again()

    # --- whom to let in

    async def _admit(self, question: events.Question) -> None:
        known = self._parties.get(question.did)
        standing = known.standing if known else "new"
        policy, problem = self._policy, self._unexpected(question)
        verdict = None
        if isinstance(policy, HostPolicy):
            verdict = policy.admit(question.did, standing, expected=not problem)
        if verdict is None and self._is_full() and not self._has_seat(question.did):
            self._without_seat[question.did] = question
            self._screen.show(events.Notice(f"{question.name} waits: all seats are taken."))
        elif verdict is None and not (self._each or problem or standing == "alarm"):
            self._party.seat(question.did)
        elif verdict is None:
            await self._ask_to_admit(question, problem)
        elif verdict:
            self._party.admit(question.did)
        else:
            self._party.refuse(question.did, "it lets in only whom it knows")

    def _is_full(self) -> bool:
        parties = self._policy.parties if isinstance(self._policy, HostPolicy) else None
        taken = sum(one.state in _IN and one.standing != "self" for one in self._parties.values())
        return parties is not None and taken >= parties - 1

    def _has_seat(self, did: str) -> bool:
        return did in self._parties and self._parties[did].state in _IN

    def _unexpected(self, question: events.Question) -> str:
        """Why this is nobody on the person's list; empty where there is none."""
        expected = self._policy.expected if isinstance(self._policy, HostPolicy) else None
        if expected is None:
            return ""
        others = [(one.name, one.did) for one in self._parties.values() if one.did != question.did]
        return expected.problem(question.name, question.did, others)

    async def _ask_to_admit(self, question: events.Question, problem: str) -> None:
        name = clean_line(question.name)
        asked = Asked(
            f"Let {name} in, {short_did(question.did)}?" if problem else f"Let {name} in?",
            (("y", "let them in"), ("n", "not now; they may knock again")),
            clean_line(problem),
        )
        verdict = await self._until_clear(asked, answers.yes)
        if verdict:
            self._party.admit(question.did)
        else:
            self._each = True
            self._party.refuse(question.did, "its person said no")

    # --- people, words and program

    async def _accept(self, question: events.Question) -> None:
        self._first = self._proposed
        if isinstance(self._policy, GuestPolicy):
            entry = clean_line(self._entry)
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

    def _people(self) -> list[Person]:
        others = [
            one
            for one in self._parties.values()
            if one.standing != "self" and one.pid is not None and one.state not in _AWAY
        ]
        return [
            Person(one.pid or 0, one.name, one.did, one.standing == "verified")
            for one in sorted(others, key=lambda one: one.pid or 0)
        ]

    async def _ask_for_all(self) -> None:
        host = isinstance(self._policy, HostPolicy)
        problem = ""
        if not host and not self._screen.script:
            self._say_purpose()
        while True:
            people = self._people()
            may = self._filling()
            beside = options(may) if may is not None and may.optional else ""
            line = await self._screen.ask(_deciding(people, host=host, problem=problem, beside=beside))
            decision = answers.Decline() if line is None else answers.decide(line, people, host=host)
            problem = ""
            match decision:
                case answers.Unclear(why):
                    problem = why
                    continue
                case answers.View():
                    await self._screen.read(self._party.files, self._turn)
                    continue
                case answers.Options() if beside:
                    if not await self._fill_in(all_=True):
                        self._party.decline("they do not take part")
                        return
                    continue
                case answers.Options():
                    problem = "It has no options that you could give."
                    continue
                case answers.Accept(heard):
                    # A host was asked before there was an invitation.
                    if not host and not await self._fill_in(all_=False):
                        self._party.decline("they do not take part")
                        return
                    self._party.heard(heard)
                    self._party.accept()
                case answers.Differ():
                    self._party.differ()
                case answers.Refuse(did):
                    self._each = True  # somebody has the invitation who should not
                    self._party.refuse(did, "its person said no")
                case answers.Decline():
                    self._party.decline("they do not take part")
            return

    def _say_purpose(self) -> None:
        """What the program says that everybody learns; a host saw it before there was an invitation."""
        try:
            form = program_form(self._entry, self._party.files)
        except ProgramError:
            return  # it is said where it is asked for
        if form.written and form.learns:
            self._screen.show(events.Notice(f"In its own words, {form.title or self._entry}: {form.learns}"))

    def _filling(self) -> Filling | None:
        """What the program asks of this person alone; None where there is nothing, or it can't be known."""
        party = self._party
        own = next((one.pid for one in self._parties.values() if one.standing == "self"), None)
        try:
            form = program_form(self._entry, party.files)
        except ProgramError as error:
            self._screen.show(events.Notice(error.message))
            return None
        if not form.inputs:
            return None
        taken = (*party.files, *(place for place, _ in party.inputs))
        pid = GUEST if own is None else own
        filling = Filling(form, pid, self._args, party.private_args, taken, find_file, which="own")
        return filling if filling.pending is not None else None

    async def _fill_in(self, *, all_: bool) -> bool:
        """Ask for what has to be given, or for `all_` that can be; False where nothing more can be typed."""
        filling = self._filling()
        if filling is None:
            return True
        problem = ""
        while (one := filling.pending) is not None and (all_ or not filling.optional):
            if self._screen.script:
                break
            line = await self._screen.ask(Asked(question(one), (), problem))
            if line is None:
                return False
            problem = filling.answer(line)
        filling.pass_over()
        self._party.give(filling.private, (*self._party.inputs, *filling.files))
        return True

    # --- later runs

    async def _program(self, question: events.Question) -> None:
        verdict = self._by_policy(question)
        if verdict is None:
            choices = (("y", "run it here"), ("v", "view it"), ("n", "not this one"))
            asked = Asked("Run this program here?", choices)
            while isinstance(answer := await self._until_clear(asked, answers.run), answers.View):
                await self._screen.read(self._party.files, self._turn)
            verdict = bool(answer)
        if verdict:
            self._party.accept()
        else:
            self._party.decline("")

    async def _again(self) -> None:
        choices = (("y", "run it once more with the same people"), ("q", "end"))
        if await self._until_clear(Asked("Once more?", choices), answers.again):
            self._party.again()
        else:  # also where nobody is there to type
            self._party.finish()

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
            problem = (
                "Nothing is decided yet." if not line.strip() else f"{clean_line(line.strip())} is no answer."
            )


def _deciding(people: list[Person], *, host: bool, problem: str, beside: str) -> Asked:
    """The one question about people, words and program."""
    does = "start" if host else "run it here"
    if all(person.verified for person in people):
        question = "Start?" if host else "Run this program here?"
        choices = [("y", does)]
    else:
        question = f"Whom did you hear say these words? Then {'start' if host else 'run the program here'}."
        choices = [
            ("all", f"all of them, {does}"),
            ("NAMES", f"these, {does}"),
            ("nobody", f"{does} all the same"),
        ]
    choices += [("w", "my words differ"), ("v", "view the program")]
    if beside:
        choices.append(("o", f"give it {beside}"))
    if host:
        choices.append(("r NAME", "refuse somebody"))
    choices.append(("n", "end the session" if host else "take no part"))
    return Asked(question, tuple(choices), problem)
