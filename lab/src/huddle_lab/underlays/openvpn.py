"""OpenVPN 2.6: a tunnel for each pair, or all by way of a hub. Peers are known by fingerprints."""

from collections.abc import Mapping, Sequence

from huddle_lab.underlays.base import Command, Place, pairs
from huddle_lab.underlays.keys import Certificate, certificate

PORT = 5100
_COMMON = (
    "openvpn",
    "--proto",
    "udp",
    "--data-ciphers",
    "AES-256-GCM",
    "--keepalive",
    "2",
    "10",
    "--verb",
    "1",
)
_COMMANDS = {"openvpn": "openvpn"}


def _address(number: int) -> str:
    return f"10.99.0.{number + 1}"


def _files(one: Certificate) -> dict[str, bytes]:
    return {"own.crt": one.certificate, "own.key": one.key}


class OpenVpn:
    """A tunnel between any two machines."""

    name = "openvpn"
    commands: Mapping[str, str] = _COMMANDS

    def plan(self, machines: Sequence[str], hub: str) -> tuple[list[Place], Place]:
        """The lower number of two is the TLS server."""
        own = [certificate(f"party{number}") for number in range(len(machines))]
        daemons: list[list[Command]] = [[] for _ in machines]
        for number, (low, high) in enumerate(pairs(len(machines))):
            for mine, other, role in ((low, high, "--tls-server"), (high, low, "--tls-client")):
                daemons[mine].append(
                    (
                        *_COMMON, "--dev", f"tun{other}", "--dev-type", "tun", role, "--dh", "none",
                        "--local", machines[mine], "--lport", str(PORT + number),
                        "--remote", machines[other], "--rport", str(PORT + number),
                        "--cert", "own.crt", "--key", "own.key", "--peer-fingerprint", own[other].fingerprint,
                        "--ifconfig", _address(mine), _address(other),
                    )
                )  # fmt: skip
        return [
            Place(_address(number), _files(own[number]), daemons[number]) for number in range(len(machines))
        ], Place("")


class OpenVpnHub:
    """All tunnels end at a server, which passes on what is for others."""

    name = "openvpn-hub"
    commands: Mapping[str, str] = _COMMANDS

    def plan(self, machines: Sequence[str], hub: str) -> tuple[list[Place], Place]:
        """The hub knows each client by its fingerprint, and gives it its address by its name."""
        server = certificate("hub")
        own = [certificate(f"party{number}") for number in range(len(machines))]
        client = (
            *_COMMON, "--dev", "tun0", "--tls-client", "--pull", "--nobind",
            "--remote", hub, str(PORT), "--cert", "own.crt", "--key", "own.key",
            "--peer-fingerprint", server.fingerprint,
        )  # fmt: skip
        places = [Place(_address(number), _files(one), [client]) for number, one in enumerate(own)]
        allowed = "\n".join(one.fingerprint for one in own)
        config = f"<peer-fingerprint>\n{allowed}\n</peer-fingerprint>\n".encode()
        pushed = {
            f"clients/party{number}": f"ifconfig-push {_address(number)} 255.255.255.0\n".encode()
            for number in range(len(machines))
        }
        serve = (
            *_COMMON, "--config", "hub.conf", "--dev", "tun0", "--mode", "server", "--tls-server",
            "--dh", "none", "--local", hub, "--lport", str(PORT), "--topology", "subnet",
            "--ifconfig", "10.99.0.254", "255.255.255.0", "--push", "topology subnet", "--client-to-client",
            "--client-config-dir", "clients", "--ccd-exclusive", "--cert", "own.crt", "--key", "own.key",
        )  # fmt: skip
        return places, Place("", {**_files(server), "hub.conf": config, **pushed}, [serve])
