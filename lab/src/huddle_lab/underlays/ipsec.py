"""IPSec by strongSwan, IKEv2: a tunnel for each pair, or all through a gateway.

ESP is done in user space (`kernel-libipsec`), so that kernels without it do as well; peers are known by their
self-signed certificates.
"""

from collections.abc import Iterator, Mapping, Sequence

from huddle_lab.underlays.base import HERE, Command, Place, pairs
from huddle_lab.underlays.keys import Certificate, certificate

_IPSEC = "/usr/lib/ipsec"
_COMMANDS = {
    "swanctl": "strongswan-swanctl",
    f"{_IPSEC}/charon": "strongswan-charon",
    f"{_IPSEC}/plugins/libstrongswan-kernel-libipsec.so": "libcharon-extra-plugins",
    f"{_IPSEC}/plugins/libstrongswan-openssl.so": "libstrongswan-standard-plugins",
}
_NET = "10.95.0.0/24"
_GATEWAY, _INSIDE = "gateway", "10.95.0.254"  # it needs an address of the net whose packets it passes on
_CONTROL = f"unix://{HERE}/vici"
_DAEMON = f"""\
charon {{
  load_modular = no
  load = kdf random nonce aes sha1 sha2 hmac pem pkcs1 pkcs8 x509 pubkey openssl curve25519 gcm \
kernel-libipsec kernel-netlink socket-default vici updown
  install_virtual_ip = no
  plugins {{
    vici {{
      socket = {_CONTROL}
    }}
    kernel-libipsec {{
      allow_peer_ts = yes
    }}
  }}
}}
"""
_CONNECTION = """\
connections {{
  {name} {{
    version = 2
    local_addrs = {mine}
    remote_addrs = {other}
    proposals = aes256-sha256-x25519
    local {{
      auth = pubkey
      certs = {my_id}.pem
      id = {my_id}
    }}
    remote {{
      auth = pubkey
      certs = {other_id}.pem
      id = {other_id}
    }}
    children {{
      {name} {{
        local_ts = {my_net}
        remote_ts = {other_net}
        esp_proposals = aes256gcm16-x25519
      }}
    }}
  }}
}}
"""


def _address(number: int) -> str:
    return f"10.95.0.{number + 1}"


def _name(number: int) -> str:
    return f"party{number}"


def _swanctl(*args: str) -> Command:
    # Where it looks for keys and certificates is said by its environment.
    line = ("env", f"STRONGSWAN_CONF={HERE}/strongswan.conf", f"SWANCTL_DIR={HERE}", "swanctl", *args)
    return (*line, "--uri", _CONTROL)


def _place(
    address: str,
    name: str,
    own: Certificate,
    known: Mapping[str, Certificate],
    connections: str,
    ups: Sequence[str],
    more: Sequence[Command] = (),
) -> Place:
    files = {
        "strongswan.conf": _DAEMON.encode(),
        "swanctl.conf": connections.encode(),
        "private/own.pem": own.key,
        f"x509/{name}.pem": own.certificate,
        **{f"x509/{other}.pem": one.certificate for other, one in known.items()},
    }
    # It writes its pid under /run, which machines of one computer share.
    start = f"mount -t tmpfs none /run && exec env STRONGSWAN_CONF=strongswan.conf {_IPSEC}/charon"
    return Place(
        address if name != _GATEWAY else "",
        files,
        [("unshare", "--mount", "sh", "-c", start)],
        [
            ("ip", "address", "replace", f"{address}/32", "dev", "lo"),
            *more,
            _swanctl("--load-all", "--file", f"{HERE}/swanctl.conf"),
            *(_swanctl("--initiate", "--child", child, "--timeout", "10") for child in ups),
        ],
        # Its rule and its device stay where it was killed.
        [
            ("ip", "address", "del", f"{address}/32", "dev", "lo"),
            ("ip", "rule", "del", "preference", "220"),
            ("ip", "link", "del", "ipsec0"),
        ],
    )


class IpSec:
    """A tunnel between any two machines, which the higher number asks for."""

    name = "ipsec"
    commands: Mapping[str, str] = _COMMANDS

    def plan(self, machines: Sequence[str], hub: str) -> tuple[list[Place], Place]:
        """Each machine knows all certificates."""
        own = {_name(number): certificate(_name(number)) for number in range(len(machines))}
        files = ["" for _ in machines]
        ups: list[list[str]] = [[] for _ in machines]
        for low, high in pairs(len(machines)):
            for mine, other in ((low, high), (high, low)):
                files[mine] += _CONNECTION.format(
                    name=f"to{other}", mine=machines[mine], other=machines[other],
                    my_id=_name(mine), other_id=_name(other),
                    my_net=f"{_address(mine)}/32", other_net=f"{_address(other)}/32",
                )  # fmt: skip
            ups[high].append(f"to{low}")
        return [
            _place(
                _address(number),
                _name(number),
                own[_name(number)],
                {name: one for name, one in own.items() if name != _name(number)},
                files[number],
                ups[number],
            )
            for number in range(len(machines))
        ], Place("")


class IpSecGateway:
    """All tunnels end at a gateway, which passes packets on."""

    name = "ipsec-gateway"
    commands: Mapping[str, str] = _COMMANDS

    def plan(self, machines: Sequence[str], hub: str) -> tuple[list[Place], Place]:
        """Machines know the gateway's certificate alone."""
        gateway = certificate(_GATEWAY)
        own = {_name(number): certificate(_name(number)) for number in range(len(machines))}
        places = [
            _place(
                _address(number),
                _name(number),
                own[_name(number)],
                {_GATEWAY: gateway},
                _CONNECTION.format(
                    name="hub", mine=outer, other=hub, my_id=_name(number), other_id=_GATEWAY,
                    my_net=f"{_address(number)}/32", other_net=_NET,
                ),
                ["hub"],
            )
            for number, outer in enumerate(machines)
        ]  # fmt: skip
        forward = ("sysctl", "-qw", "net.ipv4.ip_forward=1")
        return places, _place(_INSIDE, _GATEWAY, gateway, own, "".join(_inward(machines, hub)), [], [forward])


def _inward(machines: Sequence[str], hub: str) -> Iterator[str]:
    """The gateway's connections."""
    for number, outer in enumerate(machines):
        yield _CONNECTION.format(
            name=f"to{number}", mine=hub, other=outer, my_id=_GATEWAY, other_id=_name(number),
            my_net=_NET, other_net=f"{_address(number)}/32",
        )  # fmt: skip
