"""What stays in sight of a session, as long as it counts: link, people, words, program, question or status.

Pure: events and a size go in, lines of a picture come out. Who is to decide must see what about, so where not
all has room the link goes first, then people stand on fewer lines, then the program goes; words and question
stay.
"""

import shlex
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from huddle import events
from huddle.cli.terminal.answers import Asked
from huddle.cli.terminal.marks import (
    GROUP_STATES,
    doing_of,
    doubt_of,
    group_state,
    members_of,
    safe,
    standing_of,
    state_of,
)
from huddle.cli.terminal.paper import Paper, packed, stack, text
from huddle.cli.text import clean_line, listing, short_did, size
from huddle.groups.expected import ExpectedPeople
from huddle.texts import t, tn, translated

_GONE = {"refused", "left", "gone"}
_DOUBTS = 3  # that are explained below the table; all of them stand above, among the lines
_ROOMY = 96  # columns, for all that is counted of a peer
_WIDE = 80  # columns, for what helps to tell people apart
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
FRAME_SECONDS = 1.0  # for which a frame of the spinner stands: each is the whole picture, painted anew


@dataclass
class Board:
    """The state of one session's screen."""

    clock: Callable[[], float] = time.monotonic
    color_system: str | None = "auto"
    status: str = ""
    asked: Asked | None = None
    invitation: events.Invitation | None = None
    program: events.Program | None = None
    words: events.Words | None = None
    differed: str = ""  # who saw other words before
    stats: events.Stats | None = None
    parties: dict[str, events.Party] = field(default_factory=dict)
    expected: ExpectedPeople | None = None
    groups: dict[int, events.Group] = field(default_factory=dict)  # of a class, to its host
    meeting: bool = True  # until all have signed

    def take(self, event: events.Event) -> None:
        """Note what an event changes."""
        match event:
            case events.Invitation():
                self.invitation = event
            case events.Expected():
                self.expected = ExpectedPeople.named(event.names)
            case events.Group(standing="self"):
                self.groups[event.group] = event
                if event.state == "undone":
                    del self.groups[event.group]
            case events.Party():
                self.parties[event.did] = event
            case events.Program():
                self.program = event
            case events.Words():
                self.words = event
            case events.WordsDiffer():
                self.differed = event.name
                self.words = None
            case events.Restarted():
                self._restarted(event)
            case events.Sealed() | events.Ended():
                self.meeting = False
            case events.Run(state="started"):
                self.stats = None
            case events.Stats():
                self.stats = event

    def _restarted(self, event: events.Restarted) -> None:
        self.words = self.program = self.stats = None
        self.meeting = True  # also after a sealed session that somebody's loss has ended
        if not event.epoch:
            self.invitation = None
        for did, one in self.parties.items():  # what was accepted counts no more
            if one.state == "accepted":
                self.parties[did] = replace(one, state="admitted")

    def render(self, width: int, height: int) -> str:
        """The picture in at most `height` lines of `width` columns, with colours as a terminal wants them."""
        paper = Paper(width, self.color_system)
        fixed = [
            paper.lines(self._class(height - 6)),
            paper.lines(self._words()),
            paper.lines(self._asking(width)),
            paper.lines(self._doing(width)),
        ]
        groups, words, asking, doing = fixed
        people, in_line = paper.lines(self._people(width)), paper.lines(self._people_in_line())
        program, hint, link = (paper.lines(part) for part in (self._program(), self._hint(), self._link()))
        none: list[str] = []
        room = height - sum(map(len, fixed))
        # What there is room for, from all to nothing.
        for above in (
            (link, people, program, hint),
            (none, people, program, hint),
            (none, people, program, none),
            (none, in_line, program, hint),
            (none, in_line, program, none),
            (none, in_line, none, none),
            (none, none, none, none),
        ):
            if sum(map(len, above)) <= room:
                break
        link, people, program, hint = above
        return "\n".join([*link, *groups, *people, *program, *words, *hint, *doing, *asking])

    # --- the parts

    @property
    def inviting(self) -> bool:
        """Whether this is a host's, and others are awaited."""
        return self.invitation is not None and self.meeting and self.words is None

    def _link(self) -> RenderableType | None:
        if self.invitation is None or not self.inviting:
            return None
        code = f"[dim]{t('Code')}[/]  [bold]{safe(self.invitation.code)}[/]" if self.invitation.code else ""
        link = text(f"[dim]{t('Link')}[/]  [cyan]{safe(self.invitation.url)}[/]", overflow="fold")
        return stack(link, text(code) if code else None)

    def _class(self, most: int) -> RenderableType | None:
        """A line for each group; where they are too many, how many are how far."""
        groups = [self.groups[number] for number in sorted(self.groups)]
        if not groups or not self.meeting:
            return None
        if len(groups) > most:
            count = Counter(group.state for group in groups)
            return text(
                ", ".join(f"{count[state]} {group_state(state)}" for state in GROUP_STATES if count[state])
            )
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis")
        table.add_column(no_wrap=True)
        for group in groups:
            table.add_row(
                t("Group {number}", number=group.group),
                text(members_of(group)),
                text(group_state(group.state)),
            )
        return table

    def _present(self, *, dealt: bool = False) -> list[events.Party]:
        """Who is here, with `dealt` also in a group of a class."""
        gone = _GONE if dealt else {*_GONE, "dealt"}
        here = [one for one in self.parties.values() if one.state not in gone]
        rank = self.expected.rank if self.expected is not None else lambda name: 0
        return sorted(here, key=lambda one: (one.pid is None, one.pid or 0, rank(one.name)))

    @property
    def missing(self) -> list[str]:
        """The names of those who are expected and not here."""
        if self.expected is None or not self.meeting:
            return []
        return list(self.expected.missing((one.name, one.did) for one in self._present(dealt=True)))

    @property
    def refused(self) -> list[str]:
        """The names of those who were not let in and have not left, with their numbers in a class."""
        return [
            one.name if one.pid is None else f"{one.pid} {one.name}"
            for one in self.parties.values()
            if one.state == "refused"
        ]

    def _people(self, width: int) -> RenderableType | None:
        people = self._present()
        if not self._has_company(people):
            return None
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", justify="right", no_wrap=True)
        table.add_column(max_width=max(12, width // 3), no_wrap=True, overflow="ellipsis")
        table.add_column(no_wrap=width >= _WIDE, overflow="fold")
        table.add_column(no_wrap=True)
        if width >= _WIDE:
            table.add_column(style="dim", no_wrap=True)
        for one in people:
            cells = [
                "" if one.pid is None else str(one.pid),
                f"[bold]{safe(one.name)}[/]",
                standing_of(one.standing),
                state_of(one),
                short_did(clean_line(one.did)),
            ]
            table.add_row(*map(text, cells[: len(table.columns)]))
        doubts = [one for one in people if one.state == "waiting" and one.detail]
        said = [text(f"[yellow]{one.pid or ''} {safe(one.detail)}[/]") for one in doubts[:_DOUBTS]]
        beside = self._beside()
        # A table in a table wraps sooner.
        return stack(table, *said, *beside) if said or beside else table

    def _has_company(self, people: list[events.Party]) -> bool:
        return self.meeting and len(people) + len(self.missing) + len(self.refused) > 1

    def _beside(self) -> list[RenderableType]:
        """Whom the host's person expects or can call back."""
        told = []
        if self.missing:
            told.append(t("Not here yet: {names}.", names=safe(listing(self.missing))))
        if self.refused:
            told.append(t("Not let in, and still here: {names}.", names=safe(listing(self.refused))))
        return [text(f"[dim]{line}[/]") for line in told]

    def _people_in_line(self) -> RenderableType | None:
        people = self._present()
        if not self._has_company(people):
            return None
        marks = {
            "alarm": f" [bold red]({t('ANOTHER KEY')})[/]",
            "new": f" [yellow]({t('new')})[/]",
            "self": f" ({t('you')})",
        }
        names = [
            f"{'' if one.pid is None else one.pid} {safe(one.name)}"
            f"{doubt_of(one) or marks.get(one.standing, '')}".strip()
            for one in people
        ]
        return stack(text(", ".join(names)), *self._beside())

    def _program(self) -> RenderableType | None:
        program = self.program
        if program is None or not self.meeting:
            return None
        total = sum(file["size"] for file in program.files)
        count = tn("{count} file", "{count} files", len(program.files))
        place = t("in a sandbox") if program.sandbox else f"[bold yellow]{t('it can read your files')}[/]"
        if program.sandbox and program.weaker:
            place = f"[bold yellow]{t('in a weak sandbox')}[/]"
        words = f"[bold]{safe(program.entry)}[/] {safe(shlex.join(program.args))}".strip()
        return text(f"[dim]{t('Program')}[/]  {words}  [dim]{count}, {size(total)},[/] {place}")

    def _words(self) -> RenderableType | None:
        if not self.meeting:
            return None
        alarm = None
        if self.differed:
            saw = t("{name} saw other words.", name=safe(self.differed))
            alarm = text(f"[bold red]{saw}[/] {t('Someone may be intercepting.')}")
        if self.words is None:
            return alarm
        words = "   ".join(f"[bold green]{safe(word)}[/]" for word in self.words.words)
        return stack(alarm, Text(""), text(f"    {words}"), Text(""))

    def _hint(self) -> RenderableType | None:
        if self.words is None or not self.meeting:
            return None
        return Text(
            t("Everyone must see the same four words. If yours differ, someone may intercept: answer w."),
            style="dim",
        )

    def _asking(self, width: int) -> RenderableType | None:
        if self.asked is None:
            return None
        problem = text(f"[yellow]{safe(self.asked.problem)}[/]") if self.asked.problem else None
        question = text(f"[bold]{safe(self.asked.question)}[/]")
        return stack(problem, question, *packed(self.asked.choices, width))

    def _doing(self, width: int) -> RenderableType | None:
        if not self.status or (self.asked is not None and not self.asked.standing):
            return None
        frame = _FRAMES[int(self.clock() / FRAME_SECONDS) % len(_FRAMES)]
        status = Text(f"{frame} {clean_line(self.status)}", no_wrap=True, overflow="ellipsis")
        return stack(counters(self.stats, width), status) if self.stats is not None else status


def counters(stats: events.Stats, width: int) -> Table:
    """What is counted of each peer in a run."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    columns = [
        t("party"),
        t("doing"),
        t("path"),
        t("RTT"),
        t("sent"),
        t("received"),
        t("messages"),
        t("reconnects"),
    ]
    roomy = width >= _ROOMY
    if not roomy:
        del columns[6:]
    for number, column in enumerate(columns):
        left = number < 3
        table.add_column(column, justify="left" if left else "right", no_wrap=True)
    for peer in stats.peers:
        path = Text(
            clean_line(
                f"{peer['network']}, {translated(peer['path'])}" if peer["network"] else t("connecting")
            )
        )
        path.truncate(max(10, width - (72 if roomy else 52)), overflow="ellipsis")
        rtt = f"{peer['rtt_ms']:.1f} ms" if peer.get("rtt_ms") is not None else ""
        cells = (
            Text(clean_line(peer["name"])),
            doing_of(peer["state"]),
            path,
            rtt,
            size(peer["bytes_sent"]),
            size(peer["bytes_received"]),
            f"{peer['messages_sent'] + peer['messages_received']:,}",
            str(peer["reconnects"]),
        )
        table.add_row(*cells[: len(columns)])
    return table
