"""`huddle demo`: three parties on this machine, each a process of its own with an identity of its own.

Nothing is staged: a real rendezvous, a host and two guests that know nothing but its link, run as the
commands that a person would type, with `--json` so that one screen can show all three.

With `--web` one place is left to a browser, which needs nothing but the link.
"""

import asyncio
import json
import os
import signal
import sys
import webbrowser
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from huddle.cli.errors import INTERRUPTED, complaints
from huddle.cli.text import clean, duration, listing, size
from huddle.errors import LocalError
from huddle.running.scratch import Scratch
from huddle.session.samples import sample
from huddle.texts import t, translated

NAMES = ("Ada", "Bob", "Cyd", "Dan", "Eve", "Fay", "Gus", "Hal", "Ivy", "Jan")
_COLOURS = ("cyan", "magenta", "yellow", "green", "blue")
PATIENCE = 120.0  # seconds for the whole demo, far more than a slow machine needs


@asynccontextmanager
async def _huddle(home: Path, *args: str) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = os.environ | {"HUDDLE_HOME": str(home)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "huddle",
        *args,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,  # a line holds up to 64 KiB of a program's output, escaped
        start_new_session=True,  # Ctrl-C reaches this process only, which then ends the others in order
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _events(process: asyncio.subprocess.Process) -> AsyncIterator[dict[str, Any]]:
    assert process.stdout is not None
    async for line in process.stdout:
        event: dict[str, Any] = json.loads(line)
        yield event


async def _until(process: asyncio.subprocess.Process, name: str) -> dict[str, Any]:
    async for event in _events(process):
        if event["event"] == name:
            return event
    raise LocalError(
        f"A process of the demo ended before its {name}.", hint="`huddle doctor` tells what is wrong."
    )


def _names(sealed: dict[str, Any]) -> str:
    return listing([party["name"] for party in sealed["parties"]])


class _Screen:
    """All parties on one screen: a line for each thing that a party says."""

    def __init__(self, console: Console, names: tuple[str, ...]) -> None:
        self._console = console
        self._names = names
        self.words: dict[str, tuple[str, ...]] = {}
        self.stats: dict[str, dict[str, Any]] = {}
        self._text: dict[str, str] = {}

    def say(self, name: str, markup: str) -> None:
        colour = _COLOURS[self._names.index(name) % len(_COLOURS)]
        self._console.print(f"[{colour}]{name:>4}[/] │ {markup}", highlight=False)

    def show(self, name: str, event: dict[str, Any]) -> None:
        match event["event"]:
            case "words":
                self.words[name] = tuple(event["words"])
                self.say(name, t("the words are {words}", words=f"[bold]{'  '.join(event['words'])}[/]"))
            case "sealed":
                self.say(
                    name,
                    t("sealed by {names}; I am party {pid}", names=_names(event), pid=event["pid"]),
                )
            case "link" if event["run"] == 0:
                over = f"{event['network']}, {escape(translated(event['path']))}"
                self.say(name, f"[dim]{t('link to {name}: {over}', name=event['peer'], over=over)}[/]")
            case "output":
                *lines, rest = (self._text.get(name, "") + event["text"]).split("\n")
                self._text[name] = rest
                for line in lines:
                    self.say(name, escape(clean(line)))
            case "stats":
                self.stats[name] = event
            case "run" if event["state"] == "finished":
                self.say(
                    name, "[green]" + t("run finished in {time}", time=duration(event["seconds"])) + "[/]"
                )
            case "run" if event["state"] == "failed":
                self.say(
                    name, t("run failed: {reason}", reason=f"[red]{escape(translated(event['reason']))}[/]")
                )
            case "error":
                self.say(
                    name,
                    f"[red]{escape(translated(event['message']))}[/] {escape(translated(event['hint']))}",
                )

    def summary(self) -> None:
        for name, stats in self.stats.items():
            sent = sum(peer["bytes_sent"] for peer in stats["peers"])
            values = {"bytes": size(sent), "rounds": f"{stats['rounds']:,}", "count": len(stats["peers"])}
            self.say(name, t("sent {bytes} in {rounds} rounds to {count} peers", **values))


async def _party(
    stack: AsyncExitStack, home: Path, name: str, screen: _Screen, command: str, *args: str
) -> tuple[asyncio.Task[int], asyncio.Future[str]]:
    """Start one party; the task that shows it and ends with its exit code, and its invitation if it hosts."""
    process = await stack.enter_async_context(_huddle(home / name, command, "--json", "--name", name, *args))
    link: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def watch() -> int:
        async for event in _events(process):
            if event["event"] == "invitation" and not link.done():
                link.set_result(event["url"])
            screen.show(name, event)
        code = await process.wait()
        if not link.done():
            link.set_exception(LocalError(f"{name}'s process ended with code {code}, too early."))
            link.exception()  # of a guest nobody asks for a link
        return code

    return asyncio.create_task(watch()), link


async def demo(
    console: Console, program: Path, arguments: tuple[str, ...], parties: int, browsers: int = 0
) -> bool:
    """Run the demo with so many of its parties in browsers; whether every run here ended well."""
    names = NAMES[: parties - browsers]
    screen = _Screen(console, names)
    async with AsyncExitStack() as stack:
        home = stack.enter_context(Scratch("huddle-demo-"))
        rendezvous = await stack.enter_async_context(
            _huddle(home / "rendezvous", "serve", "--json", "--host", "127.0.0.1", "--port", "0")
        )
        serving = await _until(rendezvous, "serving")
        url = serving["url"]
        if browsers and not serving["page"]:
            raise LocalError(
                "This installation has no page for browsers.",
                hint="In a checkout scripts/build-web makes it, or `make demo-web` all at once.",
            )
        console.print(
            t("A rendezvous runs at {url}. It carries the meeting and can read none of it.", url=url),
            highlight=False,
        )
        hosting, link = await _party(
            stack, home, names[0], screen, "host",
            "--via", "127.0.0.1", "--open", "--parties", str(parties), "--rendezvous", url,
            str(program), *arguments,
        )  # fmt: skip
        invitation = await link
        screen.say(names[0], t("my invitation is {link}", link=f"[bold]{escape(invitation)}[/]"))
        if browsers:
            _invite(console, invitation)
        guests = [
            (
                await _party(
                    stack,
                    home,
                    name,
                    screen,
                    "join",
                    "--via",
                    "127.0.0.1",
                    "--yes",
                    "--program",
                    str(program),
                    invitation,
                )
            )[0]
            for name in names[1:]
        ]
        codes = await asyncio.gather(hosting, *guests)
    screen.summary()
    same = len(set(screen.words.values())) == 1 and len(screen.words) == len(names)
    console.print(
        f"[red]{t('The words differ.')}[/]"
        if not same
        else t("All here saw the same four words: nobody is in the middle.")
        if browsers
        else t("All saw the same four words: nobody is in the middle.")
    )
    console.print(t("Every process has ended; nothing stays on this machine."))
    return same and not any(codes)


def _invite(console: Console, invitation: str) -> None:
    """Show the link to the person with the browser, and open it where there is a screen."""
    from huddle.cli.terminal.qr import qr_code

    console.print(qr_code(invitation, console.width), highlight=False, markup=False)
    console.print(t("Open this link in Chrome, Edge or Firefox on this machine; Ctrl-C ends the demo:"))
    console.print(f"[bold]{escape(invitation)}[/]", highlight=False, soft_wrap=True)
    if sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(invitation)


@click.command("demo")
@click.option("--parties", default=3, show_default=True, type=click.IntRange(2, len(NAMES)))
@click.option(
    "--size",
    "size_",
    default=5,
    show_default=True,
    type=click.IntRange(2, 30),
    help="Guests of Secret Santa.",
)
@click.option("--web", is_flag=True, help="Leave one place to a browser, and show it the link.")
@complaints
def demo_command(parties: int, size_: int, web: bool) -> None:
    """Three parties on this machine, each on its own, a real rendezvous, Secret Santa."""
    console = Console()

    async def bounded() -> bool:
        task = asyncio.current_task()
        assert task is not None
        # The parties are in sessions of their own: who ends this process alone would leave them there.
        # Whoever wants it to outlive its terminal has SIGHUP ignored.
        closed = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
        for number in (signal.SIGINT, signal.SIGTERM, *closed):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        # A person with a browser takes their time.
        async with asyncio.timeout(None if web else PATIENCE):
            arguments = ("--size", str(size_), "--no-log")
            return await demo(console, sample("secret_santa.py"), arguments, parties, int(web))

    try:
        sys.exit(0 if asyncio.run(bounded()) else 1)
    except asyncio.CancelledError:
        sys.exit(INTERRUPTED)
