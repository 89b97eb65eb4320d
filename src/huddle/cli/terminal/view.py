"""A session as lines that stay: every event that is worth one.

Prints and asks nothing; what stays in sight below is `huddle.cli.terminal.board`. Everything that strangers
named or wrote goes through `clean`; only the program's own output is printed as it comes.
"""

import shlex
from collections.abc import Iterator, Mapping

from rich.console import Console

from huddle import events
from huddle.cli.terminal.board import GROUP_STATES, STANDING, Board, counters, members_of, safe
from huddle.cli.terminal.listing import listed
from huddle.cli.terminal.output import ProgramOutput, painted, unpainted
from huddle.cli.terminal.qr import qr_code
from huddle.cli.text import clean_line, duration, listing, sentence, short_did, size

_FILES = 4  # of a program, a line each; more are only counted here, and named by `v`
_RESULTS = 6  # files that a program made, named on one line
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
    return safe(sentence(text))


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

    def _print_begun(self) -> None:
        if begun := self._output.rest():
            self._console.out(begun, end="", highlight=False)
            self._half_line = True

    def _on_invitation(self, event: events.Invitation) -> None:
        guests = 0 if self._planned is None else self._planned - 1
        others = {0: "", 1: " to the other party"}.get(guests, f" to the other {guests} parties")
        if self._qr:
            height = (self._console.height or _LINES) - _BELOW
            self._console.out(qr_code(event.url, self._console.width, height), highlight=False)
        self.line(f"\nSend this link{others}, good for two hours:\n")
        self._console.print(f"  [bold cyan]{safe(event.url)}[/]\n", highlight=False, soft_wrap=True)
        if event.code:
            self.line(f"or read out this code, good for ten minutes:  [bold]{safe(event.code)}[/]\n")
        rendezvous = event.url.partition("/j#")[0]
        self.line("They type [bold]huddle join LINK[/]")
        if event.code:
            command = f"huddle join {safe(event.code)} --rendezvous {safe(rendezvous)}"
            self._console.print(f"or [bold]{command}[/]", highlight=False, soft_wrap=True)
        self.line()
        self._wait("waiting for the others")

    def _on_expected(self, event: events.Expected) -> None:
        if self._plain:
            self.line(f"You expect {safe(listing(list(event.names)))}.")

    def _on_group(self, event: events.Group) -> None:
        if event.standing == "self":
            before, self._groups[event.group] = self._groups.get(event.group), event.state
            if event.state == "undone":
                self.line(f"[yellow]Group {event.group} did not begin[/]; its members wait for another.")
            elif before != event.state:
                self.line(f"Group {event.group}, {members_of(event)}: {GROUP_STATES[event.state]}.")
            self._wait("waiting for the groups")
            return
        own = [one.did for one in self._board.parties.values() if one.standing == "self"]
        others = [safe(member["name"]) for member in event.members if member["did"] not in own]
        self.line(f"[bold]You are in group {event.group}[/] with {listing(others)}.")
        self._wait("waiting for the others of the group")

    def _on_party(self, event: events.Party, before: events.Party | None) -> None:
        name, standing = safe(event.name), STANDING.get(event.standing, event.standing)
        detail = _sentence(event.detail)
        same = before is not None and before.state == event.state
        if same and (event.state != "waiting" or before is None or before.detail == event.detail):
            return
        if event.state == "waiting" and event.standing == "self":
            self._wait("waiting for the host to let you in, and for the others")
        elif event.state == "waiting":
            number = f"{event.pid} " if event.pid is not None else ""
            self.line(f"{number}[bold]{name}[/] wants to come in: {standing}, {short_did(event.did)}")
            if detail:
                self.line(f"  [bold yellow]{detail}[/]")
        elif event.state == "seated":
            self._wait(f"{name_of(event)} has a seat; you decide about all when they are here")
            if self._plain and self._board.missing:
                self.line(f"Not here yet: {safe(listing(self._board.missing))}.")
        elif event.state == "admitted" and event.standing != "self" and not _was_in(before):
            self.line(f"[bold]{name}[/] is in: {standing}, {short_did(event.did)}")
        elif event.state == "refused":
            self.line(f"{name} was not let in.")
        elif event.state == "accepted":
            self.line(f"[green]{name} accepts.[/]")
            if event.standing == "self":
                self._wait("waiting for the others to accept")
        elif event.state == "silent":
            self.line(f"[yellow]Nothing is heard of {name}.[/] {detail}")
        elif event.state == "connected" and before is not None and before.state == "silent":
            self.line(f"[green]{name} is back.[/]")
        elif event.state == "connected" and event.detail:
            self.line(f"[dim]{name} ({short_did(event.did)}): {safe(event.detail)}; that proves nothing.[/]")
        elif event.state == "gone":
            self.line(f"[yellow]{name} is gone.[/] {detail}")
        elif event.state == "left" and (before is None or before.state != "refused"):
            self.line(f"[yellow]{name} has left.[/] {detail}")

    def _on_program(self, event: events.Program) -> None:
        total = sum(file["size"] for file in event.files)
        count = "1 file" if len(event.files) == 1 else f"{len(event.files)} files"
        arguments = shlex.join(event.args)
        self.line(f"\nProgram: [bold]{safe(event.entry)}[/] {safe(arguments)}   {count}, {size(total)}")
        if event.flags:
            self.line(f"  with MPyC's {safe(' '.join(event.flags))}")
        for file in event.files if len(event.files) <= _FILES else ():
            self.line(f"  {safe(file['path'])}  {size(file['size'])}  sha256 {file['sha256'][:16]}…")
        self.line(f"  digest {event.digest}")
        if event.sandbox:
            self.line(
                "  It runs in a sandbox here: no network, no home, only its files and your --input files."
            )
            for lack in event.weaker:
                self.line(f"  [bold yellow]This sandbox is weaker than it should be[/]: {safe(lack)}.")
            if event.limits:
                self.line(f"  At most {safe(', '.join(event.limits))} (--limit).")
        else:
            self.line("  [bold yellow]This program can read your files[/]: it runs without a sandbox here.")

    def _on_words(self, event: events.Words) -> None:
        words = "   ".join(event.words)
        again = f"  [dim](ceremony {event.epoch})[/]" if event.epoch > 1 else ""
        if self._plain:
            self.line(f"\nEveryone must see the same four words:{again}\n\n    [bold]{safe(words)}[/]\n")
            self.line("Say them to each other. If yours differ, somebody may be intercepting: answer w.\n")
        self._wait("waiting for the host to decide and for the program")

    def _on_words_differ(self, event: events.WordsDiffer) -> None:
        me = self._board.parties.get(event.did)
        who = "You" if me is not None and me.standing == "self" else safe(event.name)
        self.line(f"\n[bold red]{who} saw other words.[/] Somebody may be intercepting this session.")
        self.line(
            "Nothing has been run. New words follow: compare them by voice, and leave if they differ again."
        )

    def _on_sealed(self, event: events.Sealed) -> None:
        names = listing([party["name"] for party in event.parties])
        if not self._plain and self._board.words is not None:
            self.line(f"[dim]The words were {safe(' '.join(self._board.words.words))}.[/]")
        self.line(f"[green]Sealed[/] by {safe(names)}; you are party {event.pid}.")
        self._wait("connecting")

    def _on_link(self, event: events.Link) -> None:
        if event.run == 0:
            self.line(f"[dim]Link to {safe(event.peer)}: {safe(event.network)}, {safe(event.path)}[/]")
            if event.path.startswith("relayed"):
                for one in event.tried:
                    self.line(f"[dim]  not {safe(one['network'])}: {safe(one['outcome'])}[/]")

    def _on_reconnect(self, event: events.Reconnect) -> None:
        if event.run == 0:
            link = f"link to {safe(event.peer)}"
            if event.state == "lost":
                self.line(f"[yellow]The {link} was cut[/] ({safe(event.reason)}); trying again.")
            else:
                self.line(f"[green]The {link} is back.[/]")

    def _on_run(self, event: events.Run) -> None:
        if event.state == "started":
            self.line(f"\n[bold]Run {event.run}[/] of the program")
            self._wait("running")
            return
        self._print_begun()
        self._wait("")
        took = f" after {duration(event.seconds)}" if event.seconds is not None else ""
        if event.state == "finished":
            self.line(f"[green]Run {event.run} finished[/]{took}.")
        else:
            self.line(f"[bold red]Run {event.run} failed[/]{took}. {_sentence(event.reason)}")
            if event.hint:
                self.line(f"  {_sentence(event.hint)}")

    def _on_results(self, event: events.Results) -> None:
        shown = [f"{one['path']} ({size(one['size'])})" for one in event.files[:_RESULTS]]
        more = len(event.files) - len(shown)
        names = listing([*shown, *([f"{more} more"] if more else [])])
        count = "1 file" if len(event.files) == 1 else f"{len(event.files)} files"
        self.line(f"The program made {count}: {safe(names)}.")
        if event.directory:
            renamed = [
                f"{one['path']} as {one['kept']}"
                for one in event.files
                if one["kept"] not in ("", one["path"])
            ]
            lost = [one["path"] for one in event.files if not one["kept"]]
            self.line(
                f"  Kept in {safe(event.directory)}" + (f", {safe(listing(renamed))}." if renamed else ".")
            )
            if lost:
                self.line(f"  [yellow]Not kept: {safe(listing(lost[:_RESULTS]))}.[/]")
        elif not event.carried:
            self.line("  Nothing of it is kept. Another time, --output DIR keeps what the program makes.")

    def _on_proxy(self, event: events.Proxy) -> None:
        self.line("Start the program by hand now, here or in a debugger or notebook, with these arguments:\n")
        command = shlex.join(["python", event.entry, *event.arguments])
        self._console.print(
            f"  [bold cyan]{safe(command)}[/]\n", highlight=False, soft_wrap=True, emoji=False
        )
        self.line(f"Its files are in {safe(event.directory)} until the run ends.")
        self._wait("waiting for your MPyC")

    def _on_output(self, event: events.Output) -> None:
        if ended := self._output.take(event.text):
            self._console.out(ended, end="", highlight=False)
            self._half_line = False
        if self._plain:
            self._print_begun()

    def _on_input(self, event: events.Input) -> None:
        self._wait("" if event.waiting else "running")

    def _on_stats(self, event: events.Stats) -> None:
        if self._board.status.startswith("running"):
            rounds = "1 round" if event.rounds == 1 else f"{event.rounds:,} rounds"
            self._wait(f"running for {duration(event.seconds)}, {rounds}; Ctrl-C ends it")

    def _on_chat(self, event: events.Chat) -> None:
        self.line(f"[bold]{safe(event.name)}:[/] {safe(event.text)}")

    def _on_notice(self, event: events.Notice) -> None:
        self.line(f"[dim]{safe(event.text)}[/]")

    def _on_error(self, event: events.Error) -> None:
        self.line(f"[bold red]{_sentence(event.message)}[/]")
        if event.hint:
            self.line(f"  {_sentence(event.hint)}")

    def _on_ended(self, event: events.Ended) -> None:
        self._wait("")
        if self._board.stats is not None:
            self.line()
            self._console.print(counters(self._board.stats, self._console.width))
        self.line(f"\n{safe(event.reason)}")
        if event.left:
            self.line("What stays on this machine:")
            for item in event.left:
                self.line(f"  {safe(item)}")
        else:
            self.line("Nothing stays on this machine.")
