"""`huddle wireguard-config`: WireGuard set up by hand, for MPyC without Huddle; the reference for its effort.

    HOSTS_FILE   one line a party, in MPyC's order: HOST[:PORT] [PUBLIC-KEY]
                 HOST is a name or address that the others reach, or - for a party that they don't
                 PORT is WireGuard's UDP port (51820)
                 PUBLIC-KEY is the party's own; without it a key is made here
                 what follows a # is a comment

One configuration a party is written, for `wg-quick` or any WireGuard app, and what each party does with
it. Whoever runs this knows the private keys that it made: that, and that somebody has to carry files to
everybody, is what the network `wireguard` is without.
"""

import base64
import binascii
import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import click

from huddle.errors import LocalError
from huddle.networks.reach import addresses
from huddle.networks.wireguard.keys import KEY, Key, address
from huddle.texts import t

PORT = 51820  # WireGuard's usual one
MPYC_PORT = 11365  # MPyC's, to which it adds the party's number
KEEPALIVE = 25  # seconds, for who is behind a router: what WireGuard's makers recommend
MOST = 32  # parties


@dataclass(frozen=True, slots=True)
class Host:
    """A line of the file: an endpoint, empty where there is none, and keys in WireGuard's base64."""

    endpoint: str
    port: int
    public: str
    private: str = field(repr=False)  # empty where only the party has it

    @property
    def address(self) -> str:
        """The party's address in the tunnels."""
        return str(address(base64.b64decode(self.public)))


def read(text: str) -> list[Host]:
    """The parties of a hosts file; LocalError where it can't be meant."""
    hosts: list[Host] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if words:
            try:
                hosts.append(_host(words))
            except LocalError as error:
                raise LocalError(f"line {number}: {error.message}", hint=error.hint) from error
    if not 2 <= len(hosts) <= MOST:
        raise LocalError(
            f"The file names {len(hosts)} parties.", hint=f"It needs 2 to {MOST}, one on each line."
        )
    hidden = [str(pid) for pid, host in enumerate(hosts) if not host.endpoint]
    if len(hidden) > 1:
        raise LocalError(
            f"Parties {', '.join(hidden)} have no address, so none of them reaches another.",
            hint="At most one may be without; for the others forward a UDP port, or use huddle host "
            "--network wireguard, which finds its way through most routers.",
        )
    if len({host.public for host in hosts}) < len(hosts):
        raise LocalError("Two parties have the same key.", hint="Let each make one of their own: wg genkey.")
    return hosts


def config(hosts: list[Host], pid: int) -> str:
    """The configuration of that party, as wg-quick(8) reads it."""
    mine = hosts[pid]
    private = mine.private or "(put here the private key that belongs to your public key)"
    lines = ["[Interface]", f"# party {pid}", f"PrivateKey = {private}", f"Address = {mine.address}/128"]
    if mine.endpoint:
        lines.append(f"ListenPort = {mine.port}")
    for other, host in enumerate(hosts):
        if other == pid:
            continue
        lines += ["", "[Peer]", f"# party {other}", f"PublicKey = {host.public}"]
        lines.append(f"AllowedIPs = {host.address}/128")
        if host.endpoint:
            lines.append(f"Endpoint = {host.endpoint}")
        if not mine.endpoint:
            lines.append(f"PersistentKeepalive = {KEEPALIVE}")
    return "\n".join(lines) + "\n"


def command(hosts: list[Host], pid: int, program: str) -> str:
    """What that party types to run MPyC."""
    parties = " ".join(f"-P {host.address}:{MPYC_PORT + other}" for other, host in enumerate(hosts))
    return f"python {shlex.quote(program)} {parties} -I {pid}"


@click.command("wireguard-config")
@click.argument("hosts_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--output",
    default=Path("wireguard"),
    type=click.Path(file_okay=False, path_type=Path),
    help="A new directory for the configurations; default: wireguard.",
)
@click.option("--program", default="prog.py", help="The program's name in the lines to type.")
def wireguard_config_command(hosts_file: Path, output: Path, program: str) -> None:
    """Write what each party of HOSTS_FILE must put where, to run plain MPyC over WireGuard by hand.

    A line a party: HOST[:PORT] [PUBLIC-KEY], in MPyC's order; - is one whom the others can't reach. A session
    with --network wireguard needs none of this.
    """
    try:
        hosts = read(hosts_file.read_text(encoding="utf-8"))
        output.mkdir(mode=0o700, parents=True)
        for pid in range(len(hosts)):
            _write(output / _name(pid), config(hosts, pid))
    except FileExistsError as error:
        raise LocalError(
            f"{output} is there already.", hint="Delete it, or choose another --output: keys are not reused."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise LocalError(f"{hosts_file} or {output}: {error}.") from error
    made = [str(pid) for pid, host in enumerate(hosts) if host.private]
    for pid, host in enumerate(hosts):
        click.echo("\n".join(_steps(hosts, pid, host, output, program)))
    if made:
        click.echo(
            t(
                "The private keys of parties {parties} were made here and are in these files: whoever "
                "reads one can be that party. Delete them when they are delivered.",
                parties=", ".join(made),
            ),
            err=True,
        )


def _steps(hosts: list[Host], pid: int, host: Host, output: Path, program: str) -> list[str]:
    name = _name(pid)
    file = output / name
    gets = (
        t("gets {file}, safely: it holds a private key", file=file)
        if host.private
        else t("gets {file}, and puts their private key into it", file=file)
    )
    steps = [
        t("installs WireGuard's tools, and MPyC"),
        gets,
        *([t("lets UDP port {port} in: firewall, router", port=host.port)] if host.endpoint else []),
        f"sudo wg-quick up ./{name}",
        command(hosts, pid, program),
        t("{command}, and deletes the file", command=f"sudo wg-quick down ./{name}"),
    ]
    who = t("Party {pid}, {where}:", pid=pid, where=host.endpoint or t("behind a router"))
    return [who, *(f"  {number}. {step}" for number, step in enumerate(steps, 1)), ""]


def _name(pid: int) -> str:
    return f"huddle{pid}.conf"  # wg-quick names the interface after it


def _host(words: list[str]) -> Host:
    if len(words) > 2:
        raise LocalError(f"{' '.join(words[2:])!r} is too much.", hint="HOST[:PORT] [PUBLIC-KEY]")
    endpoint, port = "", PORT
    if words[0] != "-":
        host, given = addresses.parse_advertised(words[0])
        port = given or PORT
        endpoint = f"{f'[{host}]' if ':' in host else host}:{port}"
    if len(words) == 2:
        return Host(endpoint, port, _public(words[1]), "")
    key = Key.fresh()
    return Host(endpoint, port, _text(key.public), _text(key.private))


def _public(text: str) -> str:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY or _text(key) != text:
        raise LocalError(f"{text!r} is no public key of WireGuard.", hint="wg pubkey prints one.")
    return text


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode("ascii")


def _write(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
