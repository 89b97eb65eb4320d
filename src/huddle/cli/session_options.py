"""The options that every party has, for `huddle host`, `join` and `proxy`."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import click

from huddle.cli import network_options
from huddle.cli.gifts import InputType, VariableType
from huddle.cli.text import listing
from huddle.networks import registry
from huddle.running.limits import usual
from huddle.texts import t

_Command = Callable[..., Any]


class Local(TypedDict):
    """The options that hosts and guests have in common, as click hands them over."""

    name: str | None
    pseudonym: bool
    rendezvous: str | None
    network: str
    via: str | None
    advertise: tuple[str, ...]
    port: int
    python: str
    input_files: tuple[tuple[str, Path], ...]
    variables: tuple[tuple[str, str], ...]
    output: Path | None
    carry: bool
    sandbox: bool | None
    limit: tuple[str, ...]
    grace: float
    stall: float | None
    max_queue: int
    record: Path | None
    json_: bool


def _networks(_context: click.Context, _option: click.Parameter, value: str) -> str:
    for name in value.split(","):
        if name != "auto" and registry.kind(name) is None:
            known = ", ".join(registry.names())
            raise click.BadParameter(t("{name} is not one of auto, {known}.", name=repr(name), known=known))
    return value


def local_options(command: _Command) -> _Command:
    """Add the options that every party has."""
    names = ", ".join(registry.names())
    by_name = [name for name in registry.names() if name not in registry.automatic()]
    options = [
        click.option("--name", help="What the others see; default: your account's name."),
        click.option("--pseudonym", is_flag=True, help="Use a fresh identity that is forgotten at the end."),
        click.option(
            "--rendezvous",
            envvar="HUDDLE_RENDEZVOUS",
            metavar="URL",
            help="The rendezvous (HUDDLE_RENDEZVOUS).",
        ),
        click.option(
            "--network",
            default="auto",
            show_default=True,
            metavar="NAME,…",
            callback=_networks,
            help=f"How to reach the others: {names}, or several with commas; auto takes the "
            f"best that works for each; {listing(by_name)} only by name (auto,{by_name[0]}).",
        ),
        click.option(
            "--via", metavar="INTERFACE|ADDRESS", help="Be reached over this interface or address only."
        ),
        click.option(
            "--advertise", multiple=True, metavar="HOST", help="A name or address others reach you under."
        ),
        click.option(
            "--port",
            default=0,
            type=click.IntRange(0, 65535),
            help="The port that others reach you at; default: any.",
        ),
        *network_options.options(hosting=False),
        click.option(
            "--python", default=sys.executable, metavar="EXE", help="The interpreter that runs the program."
        ),
        click.option(
            "--input",
            "input_files",
            multiple=True,
            type=InputType(),
            help="A private file or directory that the program may read here, as TARGET; it never travels.",
        ),
        click.option(
            "--env",
            "variables",
            multiple=True,
            type=VariableType(),
            help="A variable of the environment for the program here; without a value your own.",
        ),
        click.option(
            "--output",
            type=click.Path(file_okay=False, path_type=Path),
            metavar="DIR",
            help="Keep the files that the program makes here, by their paths; nothing is overwritten.",
        ),
        click.option("--carry", is_flag=True, help="With --stay: what a run made here, the next ones find."),
        click.option(
            "--sandbox/--no-sandbox", default=None, help="Lock the program in; default: where it works."
        ),
        click.option(
            "--limit",
            multiple=True,
            metavar="WHAT=NUMBER",
            help="The most that a program in the sandbox may take; default: "
            f"{', '.join(usual())} (memory: half of this machine's).",
        ),
        click.option(
            "--grace",
            default=30.0,
            show_default=True,
            type=click.FloatRange(min=1),
            help="Seconds of silence until a party is gone.",
        ),
        click.option(
            "--stall",
            type=click.FloatRange(min=1),
            metavar="SECONDS",
            help="End a run that makes no progress for so long.",
        ),
        click.option(
            "--max-queue",
            default=0,
            type=click.IntRange(min=0),
            metavar="BYTES",
            help="End a run when a peer leaves so much unread; default: no limit.",
        ),
        click.option(
            "--record",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Keep a record of the session here, signed by all (all must agree to it).",
        ),
        click.option(
            "--json", "json_", is_flag=True, help="Print events as JSON, one a line, and nothing else."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command
