"""A session on a terminal: every event as lines that stay, and one status block below while time passes.

Shows events and asks nothing; `huddle.cli.drive` asks. Everything that strangers named or wrote goes
through `clean`; only the program's own output is printed as it comes.
"""

import io
import shlex
from collections.abc import Iterator, Mapping

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from huddle import events
from huddle.cli.listing import listed
from huddle.cli.output import ProgramOutput, painted, unpainted
from huddle.cli.text import clean_line, duration, listing, sentence, short_did, size

_STANDING = {
    "self": "you",
    "new": "[yellow]new to you[/]",
    "known": "[cyan]a contact, not verified[/]",
    "verified": "[green]verified contact[/]",
    "alarm": "[bold red]ANOTHER KEY under a name that you know[/]",
}
_ROOMY = 96  # columns, for all that is counted of a peer
_EMPTY_LINE = "\r\x1b[K"  # to the beginning of the line, which is emptied
_DOING = {"idle": "ready", "computing": "computing", "input": "typing", "gone": "gone"}


def _safe(text: str) -> str:
    return escape(clean_line(text))


def _sentence(text: str) -> str:
    return _safe(sentence(text))


def qr_code(text: str, width: int) -> str:
    """The text as a QR code of half blocks; empty where it is wider than `width` columns."""
    import segno  # only a host needs it

    code = segno.make(text, error="l")
    if code.symbol_size(border=2)[0] > width:
        return ""
    picture = io.StringIO()
    code.terminal(out=picture, compact=True, border=2)
    return picture.getvalue()


class View:
    """The screen of one session."""

    def __init__(self, console: Console, *, planned: int | None = None, qr: bool = True) -> None:
        self._console = console
        self._planned = planned
        self._qr = qr
        self._live: Live | None = None
        self._waiting = ""
        self._stats: events.Stats | None = None
        self._parties: dict[str, events.Party] = {}
        self._names: list[str] = []
        self._prompt = ""  # a question that waits for its answer
        self._half_line = False
        self._output = ProgramOutput(painted if console.is_terminal else unpainted)

    def show(self, event: events.Event) -> None:
        """Show one event."""
        handler = getattr(self, f"_on_{event.event}", None)
        if handler is not None:
            handler(event)

    def line(self, markup: str = "") -> None:
        """Print one line above the status; a question that waits for its answer is asked again below."""
        if self._prompt:
            # Over the question, where there is a terminal; the letters typed so far still count.
            self._console.file.write(_EMPTY_LINE if self._console.is_terminal else "\n")
        elif self._half_line:
            self._console.print()
        self._half_line = False
        self._console.print(markup, highlight=False, emoji=False)  # else the :key: of a did is a picture
        self._say_prompt()

    def ask(self, prompt: str) -> None:
        """Ask; whatever is shown until `answered` stands above the question."""
        self.rest()
        if self._half_line:
            self.line()
        self._prompt = prompt
        self._say_prompt()

    def answered(self, *, withdrawn: bool = False) -> None:
        """The person has answered, or the question is `withdrawn`."""
        if withdrawn and self._prompt:
            if self._console.is_terminal:
                self._console.file.write(_EMPTY_LINE)
            else:
                self._half_line = True
        self._prompt = ""

    def _say_prompt(self) -> None:
        if self._prompt:
            self._console.file.write(self._prompt)
            self._console.file.flush()

    def wait(self, what: str) -> None:
        """Show a status with a spinner until `rest`; only on a terminal."""
        self._waiting = what
        if not self._console.is_terminal or self._prompt:
            return
        if self._live is None:
            # Painted here and by `tick`: a thread of its own would write into lines that are being printed.
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(self._status(), refresh=True)

    def tick(self) -> None:
        """Let the spinner of the status move on."""
        if self._live is not None:
            self._live.refresh()

    def rest(self) -> None:
        """Take the status away, so that the person can type."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        self._print_held()

    def files(self, contents: Mapping[str, bytes]) -> Iterator[None]:
        """Show a program's files, in pieces: whoever asks for the next can let others have their turn."""
        self.line()
        for piece in listed(contents, self._console.width):
            self._console.out(piece, end="", highlight=False)
            yield

    def _print_held(self) -> None:
        if begun := self._output.rest():
            self._console.out(begun, end="", highlight=False)
            self._half_line = True

    def _status(self) -> RenderableType:
        spinner = Spinner("dots", Text(f" {self._waiting}"))
        return Group(self._table(self._stats), spinner) if self._stats else spinner

    def _table(self, stats: events.Stats) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        columns = ["party", "doing", "path", "RTT", "sent", "received", "messages", "reconnects"]
        roomy = self._console.width >= _ROOMY
        if not roomy:
            del columns[6:]
        for column in columns:
            left = column in ("party", "doing", "path")
            table.add_column(column, justify="left" if left else "right", no_wrap=True)
        for peer in stats.peers:
            path = Text(clean_line(f"{peer['network']}, {peer['path']}" if peer["network"] else "connecting"))
            path.truncate(max(10, self._console.width - (72 if roomy else 52)), overflow="ellipsis")
            rtt = f"{peer['rtt_ms']:.1f} ms" if peer.get("rtt_ms") is not None else ""
            cells = (
                Text(clean_line(peer["name"])),
                _DOING.get(peer["state"], "ready"),
                path,
                rtt,
                size(peer["bytes_sent"]),
                size(peer["bytes_received"]),
                f"{peer['messages_sent'] + peer['messages_received']:,}",
                str(peer["reconnects"]),
            )
            table.add_row(*cells[: len(columns)])
        return table

    def _on_invitation(self, event: events.Invitation) -> None:
        guests = 0 if self._planned is None else self._planned - 1
        others = {0: "", 1: " to the other party"}.get(guests, f" to the other {guests} parties")
        self.line(f"\nSend this link{others}:\n")
        self._console.print(f"  [bold cyan]{_safe(event.url)}[/]\n", highlight=False, soft_wrap=True)
        if event.code:
            self.line(f"or read out this code (ten minutes):  [bold]{_safe(event.code)}[/]\n")
        if self._qr and self._console.is_terminal:
            self._console.out(qr_code(event.url, self._console.width), highlight=False)
        rendezvous = event.url.partition("/j#")[0]
        self.line("They type [bold]huddle join LINK[/]")
        if event.code:
            command = f"huddle join {_safe(event.code)} --rendezvous {_safe(rendezvous)}"
            self._console.print(f"or [bold]{command}[/]", highlight=False, soft_wrap=True)
        self.line()
        self.wait("waiting for the others")

    def _on_party(self, event: events.Party) -> None:
        name, standing = _safe(event.name), _STANDING.get(event.standing, event.standing)
        detail = _sentence(event.detail)
        before = self._parties.get(event.did)
        self._parties[event.did] = event
        if before is not None and before.state == event.state:
            return
        if event.state == "waiting" and event.standing == "self":
            self.wait("waiting for the host to let you in, and for the others")
        elif event.state == "waiting":
            self.line(f"[bold]{name}[/] wants to come in: {standing}, {short_did(event.did)}")
        elif event.state == "admitted" and event.standing != "self":
            self.line(f"[bold]{name}[/] is in: {standing}, {short_did(event.did)}")
        elif event.state == "refused":
            self.line(f"{name} was not let in.")
        elif event.state == "accepted":
            self.line(f"[green]{name} accepts.[/]")
            if event.standing == "self":
                self.wait("waiting for the others to accept")
        elif event.state == "silent":
            self.line(f"[yellow]Nothing is heard of {name}.[/] {detail}")
        elif event.state == "connected" and before is not None and before.state == "silent":
            self.line(f"[green]{name} is back.[/]")
        elif event.state == "connected" and event.detail:
            self.line(f"[dim]{name} ({short_did(event.did)}): {_safe(event.detail)}; that proves nothing.[/]")
        elif event.state == "gone":
            self.line(f"[yellow]{name} is gone.[/] {detail}")
        elif event.state == "left" and (before is None or before.state != "refused"):
            self.line(f"[yellow]{name} has left.[/] {detail}")

    def _on_program(self, event: events.Program) -> None:
        total = sum(file["size"] for file in event.files)
        count = "1 file" if len(event.files) == 1 else f"{len(event.files)} files"
        arguments = shlex.join(event.args)
        self.line(f"\nProgram: [bold]{_safe(event.entry)}[/] {_safe(arguments)}   {count}, {size(total)}")
        if event.flags:
            self.line(f"  with MPyC's {_safe(' '.join(event.flags))}")
        for file in event.files:
            self.line(f"  {_safe(file['path'])}  {size(file['size'])}  sha256 {file['sha256'][:16]}…")
        self.line(f"  digest {event.digest}")
        if event.sandbox:
            self.line(
                "  It runs in a sandbox here: no network, no home, only its files and your --input files."
            )
        else:
            self.line("  [bold yellow]This program can read your files[/]: it runs without a sandbox here.")

    def _on_words(self, event: events.Words) -> None:
        words = "   ".join(event.words)
        again = f"  [dim](ceremony {event.epoch})[/]" if event.epoch > 1 else ""
        self.rest()
        self.line(f"\nThe same four words must stand on all screens:{again}")
        self._console.print(Panel.fit(f"[bold]{_safe(words)}[/]", padding=(1, 4), border_style="green"))
        self.line("Say them to each other. If yours are others, somebody is between you: then say no.\n")

    def _on_sealed(self, event: events.Sealed) -> None:
        self._names = [party["name"] for party in event.parties]
        self.line(f"[green]Sealed[/] by {_safe(listing(self._names))}; you are party {event.pid}.")
        self.wait("connecting")

    def _on_link(self, event: events.Link) -> None:
        if event.run == 0:
            self.line(f"[dim]Link to {_safe(event.peer)}: {_safe(event.network)}, {_safe(event.path)}[/]")
            if event.path.startswith("relayed"):
                for one in event.tried:
                    self.line(f"[dim]  not {_safe(one['network'])}: {_safe(one['outcome'])}[/]")

    def _on_reconnect(self, event: events.Reconnect) -> None:
        if event.run == 0:
            link = f"link to {_safe(event.peer)}"
            if event.state == "lost":
                self.line(f"[yellow]The {link} was cut[/] ({_safe(event.reason)}); trying again.")
            else:
                self.line(f"[green]The {link} is back.[/]")

    def _on_run(self, event: events.Run) -> None:
        if event.state == "started":
            self._stats = None
            self.line(f"\n[bold]Run {event.run}[/] of the program")
            self.wait("running")
            return
        self.rest()
        took = f" after {duration(event.seconds)}" if event.seconds is not None else ""
        if event.state == "finished":
            self.line(f"[green]Run {event.run} finished[/]{took}.")
        else:
            self.line(f"[bold red]Run {event.run} failed[/]{took}. {_sentence(event.reason)}")
            if event.hint:
                self.line(f"  {_sentence(event.hint)}")

    def _on_proxy(self, event: events.Proxy) -> None:
        self.rest()
        self.line("Start the program by hand now, here or in a debugger or notebook, with these arguments:\n")
        command = shlex.join(["python", event.entry, *event.arguments])
        self._console.print(
            f"  [bold cyan]{_safe(command)}[/]\n", highlight=False, soft_wrap=True, emoji=False
        )
        self.line(f"Its files are in {_safe(event.directory)} until the run ends.")
        self.wait("waiting for your MPyC")

    def _on_output(self, event: events.Output) -> None:
        if ended := self._output.take(event.text):
            self._console.out(ended, end="", highlight=False)
            self._half_line = False
        if self._live is None:
            self._print_held()

    def _on_input(self, event: events.Input) -> None:
        if event.waiting:
            self.rest()
        else:
            self._half_line = False  # the person has ended the line
            self.wait("running")

    def _on_stats(self, event: events.Stats) -> None:
        self._stats = event
        if self._live is not None:
            rounds = "1 round" if event.rounds == 1 else f"{event.rounds:,} rounds"
            self._waiting = f"running for {duration(event.seconds)}, {rounds}; Ctrl-C ends it"
            self._live.update(self._status(), refresh=True)

    def _on_chat(self, event: events.Chat) -> None:
        self.line(f"[bold]{_safe(event.name)}:[/] {_safe(event.text)}")

    def _on_notice(self, event: events.Notice) -> None:
        self.line(f"[dim]{_safe(event.text)}[/]")

    def _on_error(self, event: events.Error) -> None:
        self.rest()
        self.line(f"[bold red]{_sentence(event.message)}[/]")
        if event.hint:
            self.line(f"  {_sentence(event.hint)}")

    def _on_ended(self, event: events.Ended) -> None:
        self.rest()
        self.answered(withdrawn=True)
        if self._stats is not None:
            self.line()
            self._console.print(self._table(self._stats))
        self.line(f"\n{_safe(event.reason)}")
        if event.left:
            self.line("What stays on this machine:")
            for item in event.left:
                self.line(f"  {_safe(item)}")
        else:
            self.line("Nothing stays on this machine.")
