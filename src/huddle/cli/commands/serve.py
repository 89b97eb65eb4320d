"""`huddle serve`: a rendezvous of one's own, and what networks need beside it, until Ctrl-C or SIGTERM."""

import asyncio
import json
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import uvloop

from huddle.cli import network_options
from huddle.cli.commands.vendor import usual_source
from huddle.cli.errors import complaints
from huddle.cli.rights import server_account
from huddle.cli.text import clean
from huddle.errors import LocalError
from huddle.events import VERSION
from huddle.networks import registry
from huddle.networks.base import NetworkServer, ServePlace
from huddle.networks.reach.addresses import lan_address
from huddle.rendezvous.client.dialing_native import is_own_machine
from huddle.rendezvous.ice import Turn
from huddle.rendezvous.messages import MOST_TURN
from huddle.rendezvous.server.packages import Packages
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig
from huddle.running import account as accounts
from huddle.texts import t, translated

_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - what a person may type for all addresses
_SHORTEST_SECRET = 16


@click.command("serve")
@click.option(
    "--host", "hosts", multiple=True, metavar="ADDRESS", help="Listen here only; default: everywhere."
)
@click.option(
    "--port", default=8037, show_default=True, type=click.IntRange(0, 65535), help="0: any free one."
)
@click.option("--url", metavar="URL", help="How others reach it, where that differs (a proxy, a name).")
@click.option(
    "--certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM; serves https."
)
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Its key, PEM.")
@click.option(
    "--database", type=click.Path(dir_okay=False, path_type=Path), help="Keep rooms over restarts, here."
)
@click.option(
    "--trust-proxy", "proxies", multiple=True, metavar="ADDRESS", help="Believe its X-Forwarded-For."
)
@click.option(
    "--stun-host",
    "stun_hosts",
    multiple=True,
    metavar="ADDRESS",
    help="Answer STUN (UDP, same port) here; default: as --host.",
)
@click.option(
    "--turn", multiple=True, metavar="URL", help="A TURN server that parties may use; needs its secret."
)
@click.option(
    "--turn-secret-file",
    "secret_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The secret shared with it (coturn: static-auth-secret); parties get short-lived passwords.",
)
@network_options.serving_options
@click.option(
    "--packages",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="What `huddle web vendor` fetched: programs in browsers may import it.",
)
@click.option(
    "--package-source",
    "source",
    metavar="URL",
    help="Where browsers have all other packages from; `pyodide`: its own distribution. Default: nowhere.",
)
@click.option(
    "--page",
    "pages",
    multiple=True,
    metavar="URL",
    help="A page for browsers that is served elsewhere and may use this rendezvous; default: its own alone.",
)
@click.option("--log-addresses", is_flag=True, help="Let clients' addresses appear in the log.")
@click.option("--json", "json_", is_flag=True, help="Print events as JSON, one a line, and nothing else.")
@complaints
def serve_command(  # noqa: PLR0913 - click gives an argument an option
    hosts: tuple[str, ...],
    port: int,
    url: str | None,
    certificate: Path | None,
    key: Path | None,
    database: Path | None,
    proxies: tuple[str, ...],
    stun_hosts: tuple[str, ...],
    turn: tuple[str, ...],
    secret_file: Path | None,
    packages: Path | None,
    source: str | None,
    pages: tuple[str, ...],
    log_addresses: bool,
    json_: bool,
    **more: Any,
) -> None:
    """Run a rendezvous, where parties find each other. It sees ciphertext only.

    The Internet needs https in front of it or --certificate; on a local network http will do.
    """
    if (certificate is None) != (key is None):
        raise LocalError("--certificate and --key belong together", hint="Give both, or neither.")
    config = ServerConfig(
        hosts=hosts or ("",),
        port=port,
        names=(urlsplit(url).hostname or "",) if url else (),
        pages=pages,
        certificate=certificate,
        key=key,
        trusted_proxies=proxies,
        database=database,
        stun_hosts=stun_hosts,
        turn=_turn(turn, secret_file),
        packages=packages,
        package_source=usual_source() if source == "pyodide" else source or "",
        log_addresses=log_addresses,
    )

    account, stays = server_account([path for path in (config.site, packages) if path])

    def tell(event: str, **fields: object) -> None:
        click.echo(json.dumps({"event": event, "version": VERSION, **fields}))

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(RendezvousServer(config))
            told = url or f"{server.scheme}://{_host(config.hosts[0])}:{server.port}"
            listen = "" if config.hosts[0] in _EVERYWHERE else config.hosts[0]
            place = ServePlace(urlsplit(told).hostname or "", listen, certificate, key)
            servers = await _network_servers(place, more, stack)
            if account is not None and not servers:
                accounts.become(account)
            if stays or (account and servers):
                why = stays or "A network's server beside it was started as root, and only root can end it."
                click.secho(f"{t('The rendezvous stays root.')} {translated(why)}", fg="yellow", err=True)
            if json_:
                for name, one in servers.items():
                    tell(name, **one.event())
                tell("serving", url=told, page=bool(config.site))
            else:
                click.echo(t("The rendezvous runs at {url} (Ctrl-C ends it).", url=told))
                command = f"huddle host --rendezvous {told} …"
                click.echo(t("Others use it with: {command}", command=command))
                if config.site:
                    for line in for_browsers(told, _told(packages, config.package_source)):
                        click.echo(line)
                else:
                    click.echo(t("It has no page for browsers; in a checkout, scripts/build-web makes it."))
                for one in servers.values():
                    click.echo("\n" + "\n".join(map(translated, one.how(told))))
            await _until(stop, list(servers.values()))
        if json_:
            tell("stopped")

    uvloop.run(serve())


async def _network_servers(
    place: ServePlace, chosen: Mapping[str, Any], stack: AsyncExitStack
) -> dict[str, NetworkServer]:
    """The servers that were asked for, started, by the names of their networks; the stack ends them."""
    started = {}
    for kind in registry.kinds():
        server = await kind.serve(place, registry.parsed(kind.ServerOptions, chosen))
        if server is not None:
            stack.push_async_callback(server.close)
            started[kind.name] = server
    return started


async def _until(stop: asyncio.Event, servers: list[NetworkServer]) -> None:
    """Wait for the end; LocalError where a network's server ends before."""
    waiting = asyncio.create_task(stop.wait())
    gone = [asyncio.create_task(server.gone()) for server in servers]
    try:
        done, _ = await asyncio.wait((waiting, *gone), return_when=asyncio.FIRST_COMPLETED)
        if waiting not in done:
            done.pop().result()
    finally:
        for task in (waiting, *gone):
            task.cancel()


def for_browsers(url: str, packages: list[str]) -> list[str]:
    """How people with a browser come in. Browsers keep WebCrypto for https and for their own machine."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return [t("People with a browser open the same address, or an invitation."), *packages]
    own = t("This machine's own browser can take part.")
    if not is_own_machine(url):
        here = f"http://localhost:{parts.port or 80}"
        own = t("This machine's own browser can take part, at {url}.", url=here)
    return [
        f"{own} {t("Browsers elsewhere can't: they need https.")}",
        t("Give --certificate and --key, or put a proxy with https before it and name it with --url."),
        *packages,
    ]


def _told(packages: Path | None, source: str) -> list[str]:
    """What programs in browsers may import."""
    found = Packages(packages, source)
    names = ", ".join(f"{name} {one.version}" for name, one in sorted(found.packages.items()))
    lines = [t("Programs in browsers may import {names}, served here.", names=clean(names))] if names else []
    if found.source:
        more = t("Browsers fetch other packages from {url} where a program imports them.", url=found.source)
        lines.append(more)
    return lines


def _turn(urls: tuple[str, ...], secret_file: Path | None) -> Turn | None:
    if bool(urls) != bool(secret_file):
        raise LocalError("--turn and --turn-secret-file belong together", hint="Give both, or neither.")
    if secret_file is None:
        return None
    if len(urls) > MOST_TURN:
        raise LocalError(f"At most {MOST_TURN} TURN servers can be named.", hint="Leave some out.")
    secret = secret_file.read_bytes().strip()
    if len(secret) < _SHORTEST_SECRET:
        raise LocalError(
            f"The secret in {secret_file} is shorter than {_SHORTEST_SECRET} characters.",
            hint="Make one: openssl rand -hex 32; coturn has the same in static-auth-secret.",
        )
    return Turn(urls, secret)


def _host(host: str) -> str:
    """A host as it stands in a URL; for "everywhere" the address that others on the LAN reach."""
    return _bracketed(lan_address() if host in _EVERYWHERE else host)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
