"""A session as lines that stay: every event that is worth one.

Prints and asks nothing; what stays in sight below is `huddle.cli.terminal.board`. Everything that strangers
named or wrote goes through `clean`; only the program's own output is printed as it comes.
"""

import shlex
from collections.abc import Iterator, Mapping

from rich.console import Console

from huddle import events
from huddle.ceremony.messages import departed
from huddle.cli.terminal.board import Board, counters
from huddle.cli.terminal.listing import listed
from huddle.cli.terminal.marks import group_state, members_of, safe, standing_of
from huddle.cli.terminal.output import ProgramOutput, painted, unpainted
from huddle.cli.terminal.qr import qr_code
from huddle.cli.terminal.results import results_lines
from huddle.cli.text import clean_line, duration, listing, sentence, short_did, size
from huddle.texts import t, tn, translated

_FILES = 4  # of a program, a line each; more are only counted here, and named by `v`
_BELOW = 9  # lines that must stand below a QR code on the same screen: link, code, what to type, the status
_BAR = 2  # columns of a pager that scrolls
_LINES = 24  # of a terminal that does not say


def name_of(event: events.Party) -> str:
    """A name for the board's status, which is no markup."""
    return clean_line(event.name)


def _was_in(before: events.Party | None) -> bool:
    """Whether this party was in already: being told its number is no news."""
    return before is not None and before.state == "seated" and before.pid is not None


def _sentence(text: str) -> str:
    return safe(sentence(translated(text)))


class View:
    """The lines of one session; what is worth staying in sight is on the board.

    `plain`: nothing is drawn again, so a line of the program that has only begun is printed as it is, and
    the words stand among the lines.
    """

    def __init__(
        self,
        console: Console,
        board: Board,
        *,
        planned: int | None = None,
        qr: bool = True,
        plain: bool = True,
    ) -> None:
        self._console = console
        self._board = board
        self._planned = planned
        self._qr = qr and not plain
        self._plain = plain
        self._half_line = False
        self._running = False  # is what the status says
        self._place, self._full = "", False  # where a guest stands in the lobby
        self._groups: dict[int, str] = {}  # of a class: what was said last of each
        self._output = ProgramOutput(painted if console.is_terminal else unpainted)

    @property
    def begun(self) -> str:
        """The line that the program has begun and not ended, harmless; only where it is not printed yet."""
        return self._output.begun

    def show(self, event: events.Event) -> None:
        """Show one event."""
        before = self._board.parties.get(event.did) if isinstance(event, events.Party) else None
        self._board.take(event)
        if isinstance(event, events.Party):
            self._on_party(event, before)
            return
        handler = getattr(self, f"_on_{event.event}", None)
        if handler is not None:
            handler(event)

    def line(self, markup: str = "") -> None:
        """Print one line."""
        if self._half_line:
            self._console.print()
        self._half_line = False
        self._console.print(markup, highlight=False, emoji=False)  # else the :key: of a did is a picture

    def typed(self, line: str) -> None:
        """The person has ended the program's line by typing; a terminal without a board has shown it."""
        if not self._plain:
            self._console.out(self._output.rest() + clean_line(line), highlight=False)
        self._half_line = False

    def files(self, contents: Mapping[str, bytes]) -> Iterator[str]:
        """A program's files to read, in pieces: whoever asks for the next can let others have their turn."""
        yield from listed(contents, self._console.width - (0 if self._plain else _BAR))

    def print(self, text: str) -> None:
        """Text that is harmless already."""
        self._console.out(text, end="", highlight=False)

    def _wait(self, what: str) -> None:
        self._board.status = what
        self._running = what.startswith(t("running"))

    def _print_begun(self) -> None:
        if begun := self._output.rest():
            self._write(begun)
            self._half_line = True

    def _write(self, text: str) -> None:
        """A program's text, which is harmless but for what sends the cursor back.

        Not by rich, which takes each line apart: 200 ms for 32 KiB of newlines, in which no peer is answered.
        """
        self._console.file.write(text.replace("\r", ""))
        self._console.file.flush()

    def _on_invitation(self, event: events.Invitation) -> None:
        guests = 0 if self._planned is None else self._planned - 1
        if self._qr:
            height = (self._console.height or _LINES) - _BELOW
            self._console.out(qr_code(event.url, self._console.width, height), highlight=False)
        many = tn(
            "Send this link to the other party; it is good for two hours:",
            "Send this link to the other {count} parties; it is good for two hours:",
            guests,
        )
        self.line(f"\n{many if guests else t('Send this link; it is good for two hours:')}\n")
        self._console.print(f"  [bold cyan]{safe(event.url)}[/]\n", highlight=False, soft_wrap=True)
        if event.code:
            read = t("Or read out this code; it is good for ten minutes:")
            self.line(f"{read}  [bold]{safe(event.code)}[/]\n")
        rendezvous = event.url.partition("/j#")[0]
        self.line(t("They type {command}", command="[bold]huddle join LINK[/]"))
        if event.code:
            command = f"huddle join {safe(event.code)} --rendezvous {safe(rendezvous)}"
            line = t("or {command}", command=f"[bold]{command}[/]")
            self._console.print(line, highlight=False, soft_wrap=True)
        self.line()
        self._wait(t("waiting for the others"))

    def _on_lobby(self, event: events.Lobby) -> None:
        here = len(event.here)
        of = tn("{count} is here", "{count} are here", here)
        if event.parties:
            of = t("{here} of {all} are here", here=here, all=event.parties)
        if event.missing:
            of += t(", {names} not", names=safe(listing(list(event.missing))))
        if event.place == "admitted" and self._place != "admitted":
            self.line(f"[green]{t('You are let in.')}[/]")
        if event.place == "refused":
            if self._place != "refused":
                refused = t(
                    "{name} did not let you in, but can still call you back. Wait, or leave with Ctrl-C.",
                    name=safe(event.here[0]),
                )
                self.line(f"[yellow]{refused}[/]")
            self._wait(t("waiting to be called back; Ctrl-C leaves"))
        elif event.place == "admitted":
            self._wait(of)
        elif event.place != "waiting":
            self._wait(t("you have a seat; the host decides about all: {here}", here=of))
        elif event.full:
            if not self._full:
                self.line(f"[yellow]{t('The session is full; you are waiting for a seat.')}[/]")
            self._wait(t("waiting for a seat: {here}", here=of))
        else:
            self._wait(t("waiting for the host to let you in: {here}", here=of))
        self._place, self._full = event.place, event.place == "waiting" and event.full

    def _on_expected(self, event: events.Expected) -> None:
        if self._plain:
            self.line(t("You expect {names}.", names=safe(listing(list(event.names)))))

    def _on_group(self, event: events.Group) -> None:
        if event.standing == "self":
            before, self._groups[event.group] = self._groups.get(event.group), event.state
            if event.state == "undone":
                undone = t(
                    "Group {number} is no group any more: those who are left wait.", number=event.group
                )
                self.line(f"[yellow]{undone}[/]")
            elif before != event.state:
                group = t("Group {number}", number=event.group)
                self.line(f"{group}, {members_of(event)}: {group_state(event.state)}.")
            self._wait(t("waiting for the groups"))
            return
        if event.state == "waiting":
            self._wait(t("waiting for {name} to deal the groups", name=safe(event.host)))
            return
        own = [one.did for one in self._board.parties.values() if one.standing == "self"]
        others = [safe(member["name"]) for member in event.members if member["did"] not in own]
        self.line(t("You are in group {number} with {names}.", number=event.group, names=listing(others)))
        self._wait(t("waiting for the others of the group"))

    def _on_party(self, event: events.Party, before: events.Party | None) -> None:  # noqa: C901 - one case a state
        name, standing = safe(event.name), standing_of(event.standing)
        detail = _sentence(event.detail)
        if event.state in ("refused", "left") and self._board.inviting:
            self._wait(t("waiting for the others"))  # else it still says that they have a seat
        same = before is not None and before.state == event.state
        if same and (event.state != "waiting" or before is None or before.detail == event.detail):
            return
        if event.state == "waiting" and event.standing == "self":
            self._wait(t("waiting for the host to let you in, and for the others"))
        elif event.state == "waiting":
            number = f"{event.pid} " if event.pid is not None else ""
            wants = t(
                "{name} wants to come in: {standing}, {did}",
                name=f"[bold]{name}[/]",
                standing=standing,
                did=short_did(event.did),
            )
            self.line(f"{number}{wants}")
            if detail:
                self.line(f"  [bold yellow]{detail}[/]")
        elif event.state == "seated":
            self._wait(t("{name} has a seat; you decide when all are here", name=name_of(event)))
            if self._plain and self._board.missing:
                self.line(t("Not here yet: {names}.", names=safe(listing(self._board.missing))))
        elif event.state == "admitted" and event.standing != "self" and not _was_in(before):
            self.line(
                t(
                    "{name} is in: {standing}, {did}",
                    name=f"[bold]{name}[/]",
                    standing=standing,
                    did=short_did(event.did),
                )
            )
        elif event.state == "refused":
            self.line(t("{name} was not let in.", name=name))
        elif event.state == "accepted":
            self.line(f"[green]{t('{name} accepts.', name=name)}[/]")
            if event.standing == "self":
                self._wait(t("waiting for the others to accept"))
        elif event.state == "silent":
            self.line(f"[yellow]{t('Nothing is heard of {name}.', name=name)}[/] {detail}")
        elif event.state == "connected" and before is not None and before.state == "silent":
            self.line(f"[green]{t('{name} is back.', name=name)}[/]")
        elif event.state == "connected" and event.detail:
            told = t(
                "{name} ({did}): {detail}; that proves nothing.",
                name=name,
                did=short_did(event.did),
                detail=safe(translated(event.detail)),
            )
            self.line(f"[dim]{told}[/]")
        elif event.state == "gone":
            self.line(f"[yellow]{t('{name} is gone.', name=name)}[/] {detail}")
        elif event.state == "left" and not self._was_told(event, before):
            self.line(f"[yellow]{safe(translated(f'{departed(event.name, event.detail)}.'))}[/]")

    def _was_told(self, left: events.Party, before: events.Party | None) -> bool:
        """Whether it is no news that somebody is not here any more: why, was said before."""
        return (self._board.meeting and not left.detail) or (before is not None and before.state == "refused")

    def _on_program(self, event: events.Program) -> None:
        total = sum(file["size"] for file in event.files)
        count = tn("{count} file", "{count} files", len(event.files))
        arguments = shlex.join(event.args)
        program = t("Program")
        self.line(f"\n{program}: [bold]{safe(event.entry)}[/] {safe(arguments)}   {count}, {size(total)}")
        if event.flags:
            self.line(f"  {t('with {flags} of MPyC', flags=safe(' '.join(event.flags)))}")
        for file in event.files if len(event.files) <= _FILES else ():
            self.line(f"  {safe(file['path'])}  {size(file['size'])}  sha256 {file['sha256'][:16]}…")
        self.line(f"  {t('digest')} {event.digest}")
        if event.sandbox:
            inside = t("It runs in a sandbox here: no network, no home, only its files and --input files.")
            self.line(f"  {inside}")
            weaker = t("This sandbox is weaker than it should be")
            for lack in event.weaker:
                self.line(f"  [bold yellow]{weaker}[/]: {safe(translated(lack))}.")
            if event.limits:
                self.line(f"  {t('At most {limits} (--limit).', limits=safe(', '.join(event.limits)))}")
        else:
            open_ = t("This program can read your files: it runs without a sandbox here.")
            self.line(f"  [bold yellow]{open_}[/]")

    def _on_restarted(self, event: events.Restarted) -> None:
        if self._board.inviting:  # a guest is told where it stands then
            self._wait(t("waiting for the others"))

    def _on_words(self, event: events.Words) -> None:
        words = "   ".join(event.words)
        again = f"  [dim]({t('attempt {number}', number=event.epoch)})[/]" if event.epoch > 1 else ""
        if self._plain:
            same = t("Everyone must see the same four words:")
            self.line(f"\n{same}{again}\n\n    [bold]{safe(words)}[/]\n")
            differ = t("Say them to each other. If yours differ, someone may be intercepting: answer w.")
            self.line(f"{differ}\n")
        self._wait(t("waiting for the host to decide and for the program"))

    def _on_words_differ(self, event: events.WordsDiffer) -> None:
        me = self._board.parties.get(event.did)
        mine = me is not None and me.standing == "self"
        who = t("You saw other words.") if mine else t("{name} saw other words.", name=safe(event.name))
        self.line(f"\n[bold red]{who}[/] {t('Someone may be intercepting this session.')}")
        self.line(t("Nothing has been run. Compare the new words by voice, and leave if they differ again."))

    def _on_sealed(self, event: events.Sealed) -> None:
        names = listing([party["name"] for party in event.parties])
        if not self._plain and self._board.words is not None:
            words = safe(" ".join(self._board.words.words))
            self.line(f"[dim]{t('The words were {words}.', words=words)}[/]")
        sealed = t("Signed by {names}; you are party {pid}.", names=safe(names), pid=event.pid)
        self.line(f"[green]{sealed}[/]")
        self._wait(t("connecting"))

    def _on_link(self, event: events.Link) -> None:
        if event.run == 0:
            over = f"{safe(event.network)}, {safe(translated(event.path))}"
            self.line(f"[dim]{t('Link to {name}: {path}', name=safe(event.peer), path=over)}[/]")
            if event.path.startswith("relayed"):
                for one in event.tried:
                    no = t(
                        "not {network}: {reason}", network=one["network"], reason=translated(one["outcome"])
                    )
                    self.line(f"[dim]  {safe(no)}[/]")

    def _on_reconnect(self, event: events.Reconnect) -> None:
        if event.run == 0:
            name, reason = safe(event.peer), safe(translated(event.reason))
            if event.state == "lost":
                cut = t("The link to {name} was cut ({reason}); trying again.", name=name, reason=reason)
                self.line(f"[yellow]{cut}[/]")
            else:
                self.line(f"[green]{t('The link to {name} is back.', name=name)}[/]")

    def _on_run(self, event: events.Run) -> None:
        if event.state == "started":
            self.line(f"\n[bold]{t('Run {number}', number=event.run)}[/]")
            self._wait(t("running"))
            return
        self._print_begun()
        self._wait("")
        took = duration(event.seconds or 0.0)
        if event.state == "finished":
            self.line(f"[green]{t('Run {number} finished after {time}.', number=event.run, time=took)}[/]")
        else:
            failed = t("Run {number} failed after {time}.", number=event.run, time=took)
            self.line(f"[bold red]{failed}[/] {_sentence(event.reason)}")
            if event.hint:
                self.line(f"  {_sentence(event.hint)}")

    def _on_results(self, event: events.Results) -> None:
        for line in results_lines(event):
            self.line(line)

    def _on_proxy(self, event: events.Proxy) -> None:
        start = t("Start the program by hand now, here or in a debugger or notebook, with these arguments:")
        self.line(f"{start}\n")
        command = shlex.join(["python", event.entry, *event.arguments])
        self._console.print(
            f"  [bold cyan]{safe(command)}[/]\n", highlight=False, soft_wrap=True, emoji=False
        )
        self.line(t("Its files are in {folder} until the run ends.", folder=safe(event.directory)))
        self._wait(t("waiting for your MPyC"))

    def _on_output(self, event: events.Output) -> None:
        if ended := self._output.take(event.text):
            self._write(ended)
            self._half_line = False
        if self._plain:
            self._print_begun()

    def _on_input(self, event: events.Input) -> None:
        self._wait("" if event.waiting else t("running"))

    def _on_stats(self, event: events.Stats) -> None:
        if self._running:
            rounds = tn("{number} round", "{number} rounds", event.rounds, number=f"{event.rounds:,}")
            self._wait(
                t("running for {time}, {rounds}; Ctrl-C ends it", time=duration(event.seconds), rounds=rounds)
            )

    def _on_chat(self, event: events.Chat) -> None:
        self.line(f"[bold]{safe(event.name)}:[/] {safe(event.text)}")

    def _on_notice(self, event: events.Notice) -> None:
        self.line(f"[dim]{safe(translated(event.text))}[/]")

    def _on_error(self, event: events.Error) -> None:
        self.line(f"[bold red]{_sentence(event.message)}[/]")
        if event.hint:
            self.line(f"  {_sentence(event.hint)}")

    def _on_ended(self, event: events.Ended) -> None:
        self._wait("")
        if self._board.stats is not None:
            self.line()
            self._console.print(counters(self._board.stats, self._console.width))
        self.line(f"\n{safe(translated(event.reason))}")
        if event.left:
            self.line(t("What stays on this machine:"))
            for item in event.left:
                path, joint, told = item.rpartition(": ")
                self.line(f"  {safe(path + joint + ', '.join(map(translated, told.split(', ', 1))))}")
        else:
            self.line(t("Nothing stays on this machine."))
