"""`huddle lab exec` and `huddle lab hive`: hosts of a hosts file, without a study."""

import asyncio
import shlex
import sys
from pathlib import Path

import click

from huddle.cli.errors import complaints
from huddle.cli.text import clean
from huddle.errors import LocalError
from huddle_lab.sites import everywhere, hive, machines
from huddle_lab.study import hosts as hosts_file
from huddle_lab.study.hosts import SshHost, SshHosts

_CHECKOUT = Path(__file__).resolve().parents[4]


@click.command("exec", context_settings={"ignore_unknown_options": True})
@click.argument("hosts", metavar="HOSTS")
@click.option("--on", "names", multiple=True, metavar="NAME", help="Only on this host. Again for another.")
@click.option(
    "--timeout", type=click.FloatRange(min=1), default=600.0, show_default=True, help="Seconds for a host."
)
@click.argument("command", nargs=-1, required=True)
@complaints
def exec_command(hosts: str, names: tuple[str, ...], timeout: float, command: tuple[str, ...]) -> None:
    """Run COMMAND on all HOSTS at once: those of a hosts file, or of a lab that `huddle lab up` made.

    One argument is a line for the hosts' shells, as in "df -h | tail -1"; several are a program and its
    arguments. Each line is shown behind its host's name. The exit code is 1 where a host failed.
    """
    found = _hosts(hosts)
    chosen = _chosen(found, names)
    width = max(len(host.name) for host in chosen)

    def take(host: SshHost, line: str) -> None:
        click.echo(f"{clean(host.name):<{width}}  {clean(line)}")

    line = command[0] if len(command) == 1 else shlex.join(command)
    ended = asyncio.run(
        everywhere.run(
            chosen,
            line,
            take,
            known_hosts=found.known_hosts,
            parallel=found.parallel,
            within=timeout,
        )
    )
    for name, why in ended.items():
        if why:
            click.echo(f"{clean(name)}: {clean(why)}", err=True)
    sys.exit(1 if any(ended.values()) else 0)


def _hosts(name: str) -> SshHosts:
    path = Path(name)
    if path.is_file():
        return hosts_file.read(path)
    if path.suffix:
        raise LocalError(f"there is no file {name}", hint="Name a hosts file, or a lab: huddle lab ls.")
    return machines.hosts(machines.find(name))


def _chosen(hosts: SshHosts, names: tuple[str, ...]) -> list[SshHost]:
    known = {host.name: host for host in hosts.hosts}
    for name in names:
        if name not in known:
            raise LocalError(f"there is no host {name}", hint=f"There are {', '.join(known)}.")
    return [known[name] for name in dict.fromkeys(names)] if names else list(known.values())


@click.command("hive")
@click.argument("path", metavar="HOSTS.toml", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--source",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="Huddle's source, for the machines. Default: this checkout.",
)
@complaints
def hive_command(path: Path, source: Path | None) -> None:
    """Print a Colmena hive of the hosts in HOSTS.toml: NixOS with Huddle, the first one with a rendezvous."""
    source = source or _CHECKOUT
    if not (source / "nix" / "module.nix").is_file():
        raise LocalError(f"{source} has no nix/module.nix", hint="Name a checkout of Huddle: --source DIR.")
    click.echo(hive.hive(hosts_file.read(path), source, path.name), nl=False)
