"""The hosts file: machines that one has, to be reached by SSH. Parsed strictly; knows no network.

parallel = 8                        # hosts that are prepared at the same time; default 8
known_hosts = "known_hosts"         # default: the user's own
control = "fra1"                    # where rendezvous and Headscale run; default: the first party's host
install = true                      # Debian packages that networks need may be added, and go at the end

[[hosts]]
ssh = "root@203.0.113.7:22"         # user and port may be left out
name = "fra1"                       # default: the host in `ssh`
address = "10.0.0.7"                # under which the other hosts reach it; default: the host in `ssh`
dns = "fra1.example.org"            # a name for that address, for the network plain-dns
region = "frankfurt"                # for scenarios with regions
key = "id_ed25519"                  # default: what ssh would use
python = "python3"                  # 3.12 or newer
folder = "/var/tmp"                 # where the lab makes its directory, which it removes
"""

from dataclasses import dataclass
from pathlib import Path

from huddle.errors import LocalError
from huddle_lab.study.parsing import Table, load, wrong

PARALLEL = 8


@dataclass(frozen=True, slots=True)
class SshHost:
    """One host and how to get there."""

    name: str
    user: str
    host: str
    port: int
    address: str
    dns: str = ""
    region: str = ""
    key: Path | None = None
    python: str = "python3"
    folder: str = "/var/tmp"  # noqa: S108 - a directory of its own is made in it


@dataclass(frozen=True, slots=True)
class SshHosts:
    """All hosts, in the order in which parties are put on them."""

    hosts: tuple[SshHost, ...]
    known_hosts: Path | None = None
    parallel: int = PARALLEL
    control: str = ""
    install: bool = False

    @property
    def regions(self) -> frozenset[str]:
        """Where there are hosts."""
        return frozenset(host.region for host in self.hosts if host.region)

    def place(self, parties: int, regions: tuple[str, ...]) -> list[SshHost]:
        """The hosts of these parties, one each, and at the end that of the rendezvous.

        Without regions in the order of the file; LocalError where there are too few.
        """
        free = sorted(self.hosts, key=lambda host: host.name == self.control)
        found = []
        for party in range(parties):
            region = regions[party % len(regions)] if regions else ""
            fitting = [host for host in free if not region or host.region == region]
            if not fitting:
                where = f" in {region}" if region else ""
                raise LocalError(
                    f"there is no host{where} for party {party}",
                    hint=f"{parties} parties need as many hosts; add some to the hosts file.",
                )
            free.remove(fitting[0])
            found.append(fitting[0])
        control = next((host for host in self.hosts if host.name == self.control), found[0])
        return [*found, control]


def read(path: Path) -> SshHosts:
    """The hosts of a file; LocalError where it is none."""
    table = load(path)
    known = table.text("known_hosts", "")
    parallel = table.count("parallel", 1, 100, PARALLEL)
    control = table.text("control", "")
    install = table.flag("install") or False
    hosts = tuple(_host(one, path.parent) for one in table.tables("hosts"))
    table.end()
    names = [host.name for host in hosts]
    if len(set(names)) != len(names):
        raise wrong(path.name, "two hosts have the same name", "Give each a name of its own.")
    if control and control not in names:
        raise wrong(path.name, f"control: there is no host {control}", f"There are {', '.join(names)}.")
    return SshHosts(
        hosts,
        path.parent / Path(known).expanduser() if known else None,
        parallel,
        control,
        install,
    )


def _host(table: Table, folder: Path) -> SshHost:
    target = table.text("ssh")
    user, _, rest = target.rpartition("@")
    host, colon, port = rest.rpartition(":")
    if rest.startswith("["):  # an IPv6 address, with or without a port
        host, _, port = rest[1:].partition("]")
        colon, port = port[:1], port[1:]
    elif not colon or ":" in host:
        host, port = rest, ""
    if not host or (port and not port.isdecimal()) or (port and not 0 < int(port) < 65536):
        raise wrong(table.place, f"ssh = {target!r} is no user@host:port", "An IPv6 address is put in [].")
    key = table.text("key", "")
    found = SshHost(
        table.text("name", host),
        user,
        host,
        int(port or 22),
        table.text("address", host),
        table.text("dns", ""),
        table.text("region", ""),
        folder / Path(key).expanduser() if key else None,
        table.text("python", "python3"),
        table.text("folder", "/var/tmp"),  # noqa: S108 - as above
    )
    table.end()
    return found
