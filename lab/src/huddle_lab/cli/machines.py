"""`huddle lab up`, `down` and `ls`: machines in a cloud, and what they cost."""

from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from huddle.cli.confirm import confirm
from huddle.cli.errors import complaints
from huddle.cli.text import clean, duration
from huddle.errors import LocalError
from huddle_lab.sites import cloud, machines, netns

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("up")
@click.argument("path", metavar="CLOUD.toml", type=_FILE)
@click.option("--yes", is_flag=True, help="Do not ask whether to pay.")
@complaints
def up_command(path: Path, yes: bool) -> None:
    """Make the machines of CLOUD.toml. Shows what they cost and asks; they cost until huddle lab down."""
    spec = cloud.read(path)
    machines.tool()
    cost = machines.price(spec)
    click.echo(f"{spec.cloud}, {spec.size}, {spec.image}: {cost}")
    click.echo(f"They cost until you say: huddle lab down {spec.name}")
    if not yes:
        confirm("Make them?")
    try:
        lab = machines.up(spec, cost)
    except BaseException:
        click.echo(
            f"Not all was made, and what was costs. End it with: huddle lab down {spec.name}", err=True
        )
        raise
    for host in machines.hosts(lab).hosts:
        click.echo(f"{host.name}  {host.address}")


@click.command("down")
@click.argument("names", metavar="NAME...", nargs=-1)
@click.option("--all", "all_", is_flag=True, help="All labs, and what netns left on this computer.")
@complaints
def down_command(names: tuple[str, ...], all_: bool) -> None:
    """Remove the machines of these labs. May be said at any time, also after a crash, and again."""
    if not names and not all_:
        raise LocalError("which lab?", hint="Name it, or say --all. huddle lab ls shows those there are.")
    chosen = machines.labs() if all_ else [machines.find(name) for name in names]
    trouble: LocalError | None = None
    for lab in chosen:
        try:
            stray = machines.down(lab)
        except LocalError as exc:
            click.echo(f"{lab.spec.name}: {exc}", err=True)
            trouble = exc
            continue
        click.echo(f"{lab.spec.name} is gone; it cost about ${lab.so_far():.2f}")
        for path in stray:
            click.echo(f"  also removed, which {Path(machines.tool()).name} did not know: {path}")
    if all_:
        for name in netns.sweep():
            click.echo(f"removed {name}")
    if trouble is not None:
        raise trouble


@click.command("ls")
@complaints
def ls_command() -> None:
    """Show the labs that there are, for how long, and what they cost so far."""
    console = Console(highlight=False, soft_wrap=True)
    found = machines.labs()
    for lab in found:
        since = duration((datetime.now(UTC) - lab.began).total_seconds())
        state = "up" if lab.complete else "[yellow]not finished[/]"
        console.print(
            f"[bold]{escape(clean(lab.spec.name))}[/]  {state}  {lab.cost}; for {since}, "
            f"${lab.so_far():.2f} so far. End it with: huddle lab down {escape(lab.spec.name)}"
        )
    if not found:
        console.print("There are no labs.")
