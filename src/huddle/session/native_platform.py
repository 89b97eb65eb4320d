"""The surroundings of a session outside a browser: processes, a sandbox, the system's sockets."""

import asyncio
import resource
import secrets
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

from huddle.errors import LocalError
from huddle.identity.crypto import Crypto
from huddle.identity.native import NativeCrypto
from huddle.networks.base import Network
from huddle.networks.headscale.network import HeadscaleNetwork
from huddle.networks.iroh import library as iroh_library
from huddle.networks.iroh.network import IrohNetwork
from huddle.networks.plain.outsider import PlainOutsider
from huddle.networks.plain.part import PlainPart
from huddle.networks.plain.participant import PlainParticipant
from huddle.networks.reach import addresses
from huddle.networks.relay.network import RelayNetwork
from huddle.networks.tailscale.api import find_socket
from huddle.networks.tailscale.network import TailscaleNetwork
from huddle.networks.tls.network import TlsNetwork
from huddle.networks.webrtc import library as webrtc_library
from huddle.networks.webrtc.network import WebRtcNetwork
from huddle.networks.wireguard.keys import Key
from huddle.networks.wireguard.maker import InterfaceMaker
from huddle.networks.wireguard.network import WireGuardNetwork
from huddle.running import account, sandbox
from huddle.running.interpreter import probe
from huddle.running.limits import Confinement
from huddle.running.process import RunnerProcess
from huddle.running.run import StartRunner
from huddle.session.platform import ProgramRuntime
from huddle.session.settings import NETWORKS, Settings


def keep_freed_memory() -> None:
    """Let glibc keep 16 MiB of freed memory for the next message, where it would give back all but 128 KiB.

    A window's frames are freed together, and to ask the kernel for as many pages again costs more than to
    encrypt them. After a freed block of this size glibc does so by itself (mallopt(3), M_MMAP_THRESHOLD);
    nothing is written to it.
    """
    bytes(8 << 20)


class NativePlatform:
    """A machine; see `huddle.session.platform.Platform`.

    `maker` makes WireGuard's interfaces; None: this process does.
    """

    def __init__(self, maker: InterfaceMaker | None = None) -> None:
        keep_freed_memory()
        self._maker = maker
        self.crypto: Crypto = NativeCrypto()
        self.start_runner: StartRunner = RunnerProcess.start

    async def ground(self, settings: Settings) -> ProgramRuntime:
        account.refuse_root()
        interpreter = await probe(settings.python)
        problem = await asyncio.to_thread(sandbox.problem)
        if settings.sandbox and problem:
            raise LocalError(
                f"There is no sandbox here: {problem}.", hint="Install bubblewrap, or leave out --sandbox."
            )
        wanted = settings.sandbox is not False and not (settings.by_hand or settings.plain_end)
        locked = Confinement(sandbox.weaker(), settings.limits.told()) if wanted and not problem else None
        return ProgramRuntime(interpreter, locked)

    async def has_numpy(self, ground: ProgramRuntime, files: Mapping[str, bytes]) -> bool:
        return ground.interpreter.numpy is not None

    async def embed(self, settings: Settings, stack: AsyncExitStack) -> tuple[str, str]:
        # A web server takes longer to import than all else: only who embeds one waits for it.
        from huddle.rendezvous.server.server import RendezvousServer, ServerConfig

        chosen = addresses.via(settings.via) if settings.via else []
        hosts = sorted((str(one.ip) for one in chosen), key=lambda host: ":" in host)
        server = RendezvousServer(ServerConfig(hosts=tuple(hosts) or ("",)))
        await stack.enter_async_context(server)
        host = hosts[0] if hosts else addresses.lan_address()
        where = f"[{host}]" if ":" in host else host
        return f"{server.scheme}://{where}:{server.port}", _reach(host, [] if chosen else _others(host))

    def networks(self, settings: Settings, rendezvous: str, notice: Callable[[str], None]) -> list[Network]:
        made = list[Network]()
        near = urlsplit(rendezvous).hostname in ("127.0.0.1", "::1", "localhost")
        if "tls" in settings.networks:
            made.append(
                TlsNetwork(
                    port=settings.port,
                    via=settings.via,
                    advertise=settings.advertise,
                    loopback=near,
                    map_port=settings.map_port,
                    notice=notice,
                )
            )
        if "wireguard" in settings.networks:
            made.append(
                WireGuardNetwork(rendezvous, self.crypto, loopback=near, notice=notice, maker=self._maker)
            )
        # Who did not choose them by name can do without: their libraries are extras.
        named = not set(NETWORKS) <= set(settings.networks)
        # A key says that it is wanted.
        tailnet = bool(settings.tailscale_key) or find_socket(settings.tailscaled) is not None
        if "tailscale" in settings.networks and (named or tailnet):
            made.append(
                TailscaleNetwork(
                    auth_key=settings.tailscale_key,
                    server=settings.login_server,
                    path=settings.tailscaled,
                    host_name=_host_name(),
                    notice=notice,
                )
            )
        if "headscale" in settings.networks:
            made.append(
                HeadscaleNetwork(
                    rendezvous,
                    self.crypto,
                    server=settings.headscale,
                    api_key=settings.headscale_key,
                    certificate=settings.headscale_certificate,
                    notice=notice,
                )
            )
        if "webrtc" in settings.networks and (named or webrtc_library.available()):
            made.append(WebRtcNetwork(rendezvous, self.crypto))
        if "iroh" in settings.networks and (named or iroh_library.available()):
            reach = iroh_library.Reach(settings.iroh_relay, settings.iroh_discovery)
            made.append(
                IrohNetwork(via=settings.via, loopback=near, reach=reach, url=None if near else rendezvous)
            )
        if "relay" in settings.networks:
            made.append(RelayNetwork(rendezvous))
        return made

    def plain(self, settings: Settings, rendezvous: str, notice: Callable[[str], None]) -> PlainPart | None:
        if settings.plain_end:
            return PlainOutsider(Key.fresh())
        if "plain" not in settings.networks:
            return None
        return PlainParticipant(
            rendezvous,
            self.crypto.random,
            advertise=settings.advertise,
            port=settings.port,
            notice=notice,
            maker=self._maker,
        )

    def peak_memory(self) -> float:
        unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2) counts bytes there, KiB on Linux
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)


def _host_name() -> str:
    """What a tailnet sees of a machine made for one session: nothing of this machine or its person."""
    return f"huddle-{secrets.token_hex(4)}"


def _others(host: str) -> list[addresses.LocalAddress]:
    """This machine's addresses beside that one, of which an invitation has room for one."""
    reached = ("public", "private", "cgnat")
    found = [one for one in addresses.local_addresses() if addresses.kind(one.ip) in reached]
    return [one for one in found if str(one.ip) != host]


def _reach(host: str, others: list[addresses.LocalAddress]) -> str:
    """Who comes in by an invitation that leads to this machine, for its person to know."""
    text = f"The rendezvous runs on this machine: guests must be able to reach {host}."
    if others:
        names = ", ".join(f"{one.ip} ({one.interface})" for one in others[:6])
        text += f" For those who only reach {names}, host with --via; for everybody, with --rendezvous."
    return text
