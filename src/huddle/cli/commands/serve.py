"""`huddle serve`: a rendezvous of one's own, and a Headscale if wanted, until Ctrl-C or SIGTERM."""

import asyncio
import json
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import click
import uvloop

from huddle.cli.commands.vendor import usual_source
from huddle.cli.errors import complaints
from huddle.cli.text import clean
from huddle.errors import LocalError
from huddle.events import VERSION
from huddle.networks.headscale.server import OwnHeadscale, Where
from huddle.networks.reach.addresses import lan_address
from huddle.rendezvous.ice import Turn
from huddle.rendezvous.messages import MOST_TURN
from huddle.rendezvous.server.packages import Packages
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig

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
@click.option(
    "--headscale",
    is_flag=True,
    help="Run a Headscale with DERP too, for sessions with --network headscale; needs its binary.",
)
@click.option(
    "--headscale-port",
    default=8038,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="Its port, TCP and UDP.",
)
@click.option("--headscale-url", metavar="URL", help="How parties reach it; default: the host, that port.")
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
@click.option("--log-addresses", is_flag=True, help="Let clients' addresses appear in the log.")
@click.option("--json", "json_", is_flag=True, help="Print events as JSON, one a line, and nothing else.")
@complaints
def serve_command(
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
    headscale: bool,
    headscale_port: int,
    headscale_url: str | None,
    packages: Path | None,
    source: str | None,
    log_addresses: bool,
    json_: bool,
) -> None:
    """Run a rendezvous, where parties find each other. It sees ciphertext only.

    The Internet needs https in front of it or --certificate; on a local network http will do. With
    --headscale the host of a session gets what it needs for --network headscale.
    """
    if (certificate is None) != (key is None):
        raise LocalError("--certificate and --key belong together", hint="Give both, or neither.")
    config = ServerConfig(
        hosts=hosts or ("",),
        port=port,
        names=(urlsplit(url).hostname or "",) if url else (),
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

    def say(event: str, **more: object) -> None:
        click.echo(json.dumps({"event": event, "version": VERSION, **more}))

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(RendezvousServer(config))
            told = url or f"{server.scheme}://{_host(config.hosts[0])}:{server.port}"
            own = None
            if headscale:
                name = urlsplit(told).hostname or ""
                wanted = headscale_url or f"https://{_bracketed(name)}:{headscale_port}"
                listen = "" if config.hosts[0] in _EVERYWHERE else config.hosts[0]
                own = await OwnHeadscale.start(Where(wanted, headscale_port, listen, certificate, key))
                stack.push_async_callback(own.close)
            if json_:
                if own is not None:
                    say("headscale", url=own.url, key=own.key, certificate=own.certificate)
                say("serving", url=told, page=bool(config.site))
            else:
                click.echo(f"The rendezvous runs at {told} (Ctrl-C ends it).")
                click.echo(f"Others use it with: huddle host --rendezvous {told} …")
                if config.site:
                    click.echo("People with a browser only open the same address, or an invitation.")
                    for line in _told(packages, config.package_source):
                        click.echo(line)
                else:
                    click.echo("It has no page for browsers; in a checkout, scripts/build-web makes it.")
                if own is not None:
                    _how(own, told)
            await _until(stop, own)
        if json_:
            say("stopped")

    uvloop.run(serve())


async def _until(stop: asyncio.Event, own: OwnHeadscale | None) -> None:
    """Wait for the end; LocalError where the Headscale ends before."""
    waiting = asyncio.create_task(stop.wait())
    if own is None:
        await waiting
        return
    gone = asyncio.create_task(own.gone())
    await asyncio.wait((waiting, gone), return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        waiting.cancel()
        await gone
    gone.cancel()


def _how(own: OwnHeadscale, rendezvous: str) -> None:
    """How somebody hosts with it. The key is for whoever hosts, and for nobody else."""
    click.echo(f"\nThe Headscale runs at {own.url}, and forgets everything at the end.")
    click.echo("Who hosts needs its API key; whoever has it rules this Headscale. Guests need none:")
    click.echo(f"  export HUDDLE_HEADSCALE={own.url}")
    click.echo(f"  export HUDDLE_HEADSCALE_KEY={own.key}")
    if own.certificate:
        click.echo(f"  export HUDDLE_HEADSCALE_CERTIFICATE={own.certificate_file}")
    click.echo(f"  huddle host --network headscale --rendezvous {rendezvous} …")
    if own.certificate:
        click.echo("On another machine than this one, copy that file there first.")


def _told(packages: Path | None, source: str) -> list[str]:
    """What programs in browsers may import."""
    found = Packages(packages, source)
    names = ", ".join(f"{name} {one.version}" for name, one in sorted(found.packages.items()))
    lines = [f"Programs in browsers may import {clean(names)}, served here."] if names else []
    if found.source:
        lines.append(f"Browsers fetch other packages from {found.source} where a program imports them.")
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
