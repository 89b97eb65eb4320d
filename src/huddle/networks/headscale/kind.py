"""The network `headscale` before a session: its options, server and remains; see `network`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from huddle.errors import LocalError
from huddle.networks.base import (
    Check,
    Command,
    Network,
    NetworkContext,
    NetworkKind,
    NetworkServer,
    ServePlace,
    option,
)
from huddle.networks.tailscale.kind import COMMANDS

if TYPE_CHECKING:
    from huddle.helper import Service

_URL, _KEY, _CERTIFICATE = "HUDDLE_HEADSCALE", "HUDDLE_HEADSCALE_KEY", "HUDDLE_HEADSCALE_CERTIFICATE"


@dataclass(frozen=True, slots=True)
class HeadscaleOptions:
    """What a host names: its Headscale, the API key, and a certificate if no authority vouches for it."""

    headscale: str | None = option(
        None,
        f"Your Headscale, for --network headscale; its API key in {_KEY}.",
        metavar="URL",
        env=_URL,
        hosting=True,
    )
    headscale_key: str | None = option(None, "Its API key.", env=_KEY, secret=True, hosting=True)
    headscale_certificate: Path | None = option(
        None,
        "The certificate (PEM) that it shows, where no authority vouches for it; guests are told.",
        env=_CERTIFICATE,
        hosting=True,
    )


@dataclass(frozen=True, slots=True)
class HeadscaleServerOptions:
    """What whoever serves may choose."""

    headscale: bool = option(
        False, "Run a Headscale with DERP too, for sessions with --network headscale; needs its binary."
    )
    headscale_port: int = option(8038, "Its port, TCP and UDP.")
    headscale_url: str | None = option(
        None, "How parties reach it; default: the host, that port.", metavar="URL"
    )


class HeadscaleKind(NetworkKind):
    """A tailnet for one session, in a Headscale of the host's."""

    name = "headscale"
    needs = "a Headscale of the host's; Tailscale installed at all parties"
    secured_by = "WireGuard by the control server's keys, and on top the TLS of `tls`"
    seen_by = (
        "the host's control server: which machines talk, addresses; a DERP server that relays: sizes and "
        "times"
    )
    Options: ClassVar[type] = HeadscaleOptions
    commands = COMMANDS
    ServerOptions: ClassVar[type] = HeadscaleServerOptions
    server_commands = (Command("headscale"),)

    async def problem(self) -> str:
        from huddle.networks.tailscale.daemon import installed

        return "" if installed() else "there is no tailscaled here"

    def unconfigured(self, options: Any, *, hosting: bool = False) -> LocalError | None:
        if hosting and not options.headscale:
            return LocalError("The host of a session over headscale names one.", hint="Give --headscale URL.")
        return None

    def create(self, context: NetworkContext, options: Any) -> Network:
        from huddle.networks.headscale.marks import HelperMarks, MakeMark
        from huddle.networks.headscale.network import HeadscaleNetwork

        helper = context.helper
        return HeadscaleNetwork(
            context.rendezvous,
            context.crypto,
            server=options.headscale,
            api_key=options.headscale_key,
            certificate=_certificate(options.headscale_certificate),
            marks=HelperMarks(helper) if helper and helper.does(MakeMark) else None,
            notice=context.notice,
        )

    def needed(self, options: Any) -> Iterable[Path]:
        return (options.headscale_certificate,) if options.headscale_certificate else ()

    def root_services(self, port: int, *, homeless: bool) -> "Iterable[Service]":
        from huddle.networks.headscale.marks import MarkService

        return (MarkService(),) if homeless else ()

    async def examine(self, options: Any) -> list[Check]:
        """What dead sessions have left in Headscales; its tailscaled is the network tailscale's affair."""
        from huddle.networks.headscale.marks import left_here

        if servers := left_here():
            found = f"users of dead sessions in {', '.join(servers)}"
            advice = "Host once more with that Headscale: it takes them away."
            return [Check("Headscale", "warn", found, advice)]
        return []

    def leftovers(self) -> Iterable[Path]:
        from huddle.networks.headscale.server import PREFIX
        from huddle.networks.reach.child_server import fresh_directories

        return fresh_directories(PREFIX)

    async def serve(self, place: ServePlace, options: Any) -> NetworkServer | None:
        if not options.headscale:
            return None
        from huddle.networks.headscale.server import OwnHeadscale, Where

        host = f"[{place.host}]" if ":" in place.host else place.host
        url = options.headscale_url or f"https://{host}:{options.headscale_port}"
        where = Where(url, options.headscale_port, place.listen, place.certificate, place.key)
        return await OwnHeadscale.start(where)

    def host_environment(self, event: Mapping[str, str], put: Callable[[str, bytes], str]) -> dict[str, str]:
        file = put("headscale.pem", event["certificate"].encode())
        return {_URL: event["url"], _KEY: event["key"], _CERTIFICATE: file}


def _certificate(path: Path | None) -> str:
    if path is None:
        return ""
    from huddle.networks.headscale.auth_keys import MAX_CERTIFICATE

    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise LocalError(f"The certificate {path} can't be read: {error.strerror}.") from error
    if "-----BEGIN CERTIFICATE-----" not in text or len(text) > MAX_CERTIFICATE:
        raise LocalError(f"{path} has no certificate (PEM) of a Headscale.")
    return text
