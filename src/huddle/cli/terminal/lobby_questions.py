"""What the host's person is asked before the start: whether to go on, and what to change first.

The question stands while others are awaited, and after a no until the person says so. Nobody joins anew.
"""

from collections.abc import Callable, Sequence

from huddle import events
from huddle.ceremony.messages import DECLINED
from huddle.cli.program_source import ProgramSource
from huddle.cli.terminal import answers
from huddle.cli.terminal.answers import Asked, Person
from huddle.cli.terminal.screens import Screen
from huddle.errors import LocalError
from huddle.session.party import Party
from huddle.texts import t, translated

Others = Callable[[], Sequence[Person]]  # as they are when it is called: some come and leave meanwhile


class LobbyQuestions:
    """Asks the host on a screen; `parties` is how many it is to be, and `source` where the program is."""

    def __init__(
        self, party: Party, screen: Screen, *, parties: int | None, source: ProgramSource | None
    ) -> None:
        self.parties = parties
        self.held = False  # nothing is proposed until the person says so
        self.removed = False  # somebody who came by the invitation was sent away
        self._party = party
        self._screen = screen
        self._source = source
        self._stands = False  # the question that waits for others, and not for the person

    @property
    def stale(self) -> bool:
        """Whether what stands there is asked no more: the person has to say how to go on by now."""
        return self._stands and self.held

    async def ask(self, people: Others, refused: Others) -> None:
        """Ask once while others are awaited; else until the person goes on or ends it.

        `people` are those with a seat, `refused` those who can be let in after all.
        """
        problem = ""
        while True:
            line = await self._line(self._asked(problem, refused()))
            decision: answers.LobbyDecision = answers.End()
            if line is not None:
                decision = answers.lobby(line, people(), held=self.held, refused=refused())
            try:
                problem = decision.why if isinstance(decision, answers.Unclear) else ""
                if problem:
                    continue
                self._do(decision)
            except LocalError as error:
                problem = f"{translated(error.message)} {translated(error.hint)}".strip()
                continue
            if not self.held or isinstance(decision, answers.End):
                return

    async def _line(self, asked: Asked) -> str | None:
        self._stands = asked.standing
        try:
            return await self._screen.ask(asked)
        finally:
            self._stands = False

    def _asked(self, problem: str, refused: Sequence[Person]) -> Asked:
        changes = (
            *(((t("l NAME"), t("let somebody in after all")),) if refused else ()),
            ("c", t("another code")),
            (t("r NAME"), t("remove somebody")),
            (t("m N"), t("that many parties")),
            (t("p [FILE ARGS]"), t("the program as it is now, or another")),
            (t("a ARGS"), t("other arguments")),
            ("q", t("end the session")),
        )
        if self.held:
            yes = (answers.letter("y"), t("with those who are here"))
            return Asked(t("Try again?"), (yes, *changes), problem)
        return Asked(t("While you wait:"), changes, problem, standing=True)

    def _do(self, decision: answers.LobbyDecision) -> None:
        match decision:
            case answers.Start():
                self._party.propose()
                self.held = False
            case answers.NewCode():
                self._party.new_code()
            case answers.Refuse(did):
                self.removed = True
                self._party.refuse(did, DECLINED)
            case answers.CallBack(did):
                self._party.admit(did)
            case answers.Parties(count):
                self._party.change(None, count)
                self.parties = count
            case answers.Replace() | answers.Arguments():
                self._replace(decision)
            case answers.End():
                self._party.leave("the host ended the session")

    def _replace(self, decision: answers.Replace | answers.Arguments) -> None:
        source = self._source
        if source is None:
            raise LocalError("This program can't be changed here.", hint="End the session, and host again.")
        if isinstance(decision, answers.Arguments):
            program = source.with_arguments(decision.line)
        else:
            program = source.other(decision.line) if decision.line else source.again()
        changed = source.take(program)
        if not changed:
            raise LocalError("The program is the same as before.", hint="Edit it first, or name another.")
        self._screen.show(events.Notice(f"All are asked anew: {changed}."))
        self._party.change(program)
