"""`huddle doctor`: what this machine can and cannot do, and what to do about it."""

import asyncio
import json
import sys
from dataclasses import asdict

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from huddle.cli.checks import examine
from huddle.cli.errors import complaints
from huddle.cli.text import clean
from huddle.networks.base import Check
from huddle.texts import t, translated

_STYLES = {"ok": "green", "warn": "yellow", "bad": "red bold"}


@click.command("doctor")
@click.option(
    "--rendezvous", envvar="HUDDLE_RENDEZVOUS", metavar="URL", help="Try this one (HUDDLE_RENDEZVOUS)."
)
@click.option(
    "--stun",
    "servers",
    multiple=True,
    metavar="HOST:PORT",
    help="A STUN server that says how the router shows this machine; two of them tell routers apart.",
)
@click.option(
    "--python", "executable", default=sys.executable, metavar="EXE", help="The programs' interpreter."
)
@click.option("--json", "json_", is_flag=True, help="Print the checks as one JSON list and nothing else.")
@complaints
def doctor_command(rendezvous: str | None, servers: tuple[str, ...], executable: str, json_: bool) -> None:
    """Check this machine: Python, sandbox, addresses, rendezvous, and what a crash may have left.

    The exit code is 1 if a check is bad.
    """
    checks = asyncio.run(examine(executable, rendezvous, servers))
    if json_:
        click.echo(json.dumps([asdict(check) for check in checks], ensure_ascii=False))
    else:
        show(Console(), checks)
    sys.exit(1 if any(check.state == "bad" for check in checks) else 0)


def show(console: Console, checks: list[Check]) -> None:
    """Print the checks as a table, each with its advice under it."""
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        text = escape(clean(translated(check.found)))
        if check.advice:
            text += f"\n[dim]{escape(clean(translated(check.advice)))}[/]"
        mark = f"[{_STYLES[check.state]}]{_mark(check.state)}[/]"
        table.add_row(mark, translated(check.name), text)
    console.print(table)


def _mark(state: str) -> str:
    match state:
        case "ok":
            return t("ok")
        case "warn":
            return t("note")
    return t("bad")
