"""The host of groups: whom to let in, and when to deal; and what a line means as the answer."""

from collections.abc import Iterable
from dataclasses import dataclass

from huddle import events
from huddle.ceremony.messages import DECLINED
from huddle.cli.policy import GuestPolicy, HostPolicy
from huddle.cli.terminal import answers
from huddle.cli.terminal.answers import Asked
from huddle.cli.terminal.screens import Screen
from huddle.cli.text import clean_line, listing
from huddle.session.classroom import Classroom
from huddle.texts import t

_REFUSE = ("r ", "refuse ")
_HERE = {"waiting", "admitted"}
_TO_LET_IN = {*_HERE, "refused"}  # a refusal can be taken back


class Deal:
    """All who are expected come in, and whole groups are dealt."""


class Close:
    """No more guests; groups that have begun go on."""


@dataclass(frozen=True, slots=True)
class Admit:
    """These come in too."""

    dids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """These do not."""

    dids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nothing is decided; why, for the person."""

    why: str


Decision = Deal | Close | Admit | Refuse | Unclear


def decide(line: str, guests: Iterable[events.Party]) -> Decision:
    """What a line means; guests are named by their numbers alone, for two may have one name."""
    word = " ".join(line.casefold().split())
    if answers.means_all(word):
        return Deal()
    if word in ("q", "quit", "end"):
        return Close()
    for prefix in _REFUSE:
        if word.startswith(prefix):
            found = _numbered(word.removeprefix(prefix), guests, _HERE)
            return found if isinstance(found, Unclear) else Refuse(found)
    if not word:
        return Unclear(t("Nothing is decided yet."))
    found = _numbered(word, guests, _TO_LET_IN)
    return found if isinstance(found, Unclear) else Admit(found)


def _numbered(text: str, guests: Iterable[events.Party], states: set[str]) -> tuple[str, ...] | Unclear:
    here = {str(one.pid): one.did for one in guests if one.state in states and one.pid is not None}
    found = []
    for part in text.replace(",", " ").split():
        if part.removeprefix("#") not in here:
            known = listing(sorted(here, key=int)) or t("nobody")
            no = t(
                "{text} is nobody's number here and no answer. Waiting: {numbers}.",
                text=clean_line(part),
                numbers=known,
            )
            return Unclear(no)
        found.append(here[part.removeprefix("#")])
    return tuple(found) or Unclear(t("Whom? Type their numbers."))


class DealQuestions:
    """The questions of one class, by the policy or on a screen, as the driver asks those of a session."""

    def __init__(self, classroom: Classroom, screen: Screen, policy: HostPolicy | GuestPolicy) -> None:
        self._classroom = classroom
        self._screen = screen
        self._policy = policy if isinstance(policy, HostPolicy) else HostPolicy()
        self._guests: dict[str, events.Party] = {}

    held = stale = False  # a class has no lobby to go back to

    def freed(self) -> list[events.Question]:
        """Nobody waits for a seat here."""
        return []

    def settle(self, question: events.Question) -> bool:
        """Nothing is settled beside the one question."""
        return False

    def note(self, event: events.Event) -> list[events.Question]:
        """Note an event; by a policy, who knocks is decided about at once."""
        if not isinstance(event, events.Party):
            return []
        self._guests[event.did] = event
        # Admitted is, too, who comes back from a group that lost somebody.
        comes = event.standing != "self" and event.state in ("waiting", "admitted")
        return [events.Question("deal")] if comes and self._by_itself else []

    def knows(self, did: str) -> bool:
        """Whether this party has been seen."""
        return did in self._guests

    def has_left(self, did: str) -> bool:
        """No question here is about one guest."""
        return False

    async def decide(self, question: events.Question) -> None:
        """Let in, refuse, deal or close."""
        if self._by_itself:
            self._by_policy()
        else:
            await self._ask()
            self._classroom.wait()

    @property
    def _by_itself(self) -> bool:
        return self._policy.open or self._policy.yes

    def _by_policy(self) -> None:
        for one in self._guests.values():
            problem = self._classroom.problem(one.did)
            may = self._policy.admit(one.did, one.standing, expected=not problem)
            if one.state == "waiting" and may and not problem:
                self._classroom.admit(one.did)
        self._classroom.deal(expected=False)

    async def _ask(self) -> None:
        problem = ""
        while True:
            line = await self._screen.ask(_asked(problem))
            decision = Close() if line is None else decide(line, self._guests.values())
            match decision:
                case Unclear(why):
                    problem = why
                    continue
                case Deal():
                    self._classroom.deal()
                case Close():
                    self._classroom.leave("its host closed the groups")
                case Admit(dids):
                    for did in dids:
                        self._classroom.admit(did)
                case Refuse(dids):
                    for did in dids:
                        self._classroom.refuse(did, DECLINED)
            return


def _asked(problem: str) -> Asked:
    return Asked(
        t("Deal the groups?"),
        (
            (t("all"), t("let in all who are expected, and deal")),
            (t("NUMBERS"), t("let these in too")),
            (t("r NUMBERS"), t("refuse these")),
            ("q", t("no more guests")),
        ),
        problem,
        standing=True,  # guests come meanwhile
    )
