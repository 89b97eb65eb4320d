"""A Colmena hive of the hosts of a hosts file: NixOS machines for parties, one of them with the rendezvous.

Pure: writes the text of the file. The module that it imports is the project's `nix/module.nix`.
"""

from collections.abc import Iterator
from pathlib import Path

from huddle_lab.study.hosts import SshHost, SshHosts

_HEAD = """\
# {count} machines for Colmena, made from {origin} by `huddle lab hive`. To deploy them: colmena apply
#
# What a machine is besides (disks, bootloader, users) stands in a file of its own beside this one, NAME.nix.
let
  huddle = {source};
  module = import (huddle + "/nix/module.nix") {{
    package = pkgs: pkgs.callPackage (huddle + "/nix/package.nix") {{ }};
  }};
  own = file: if builtins.pathExists file then [ file ] else [ ];
in
{{
  meta.nixpkgs = <nixpkgs>;

  defaults = {{
    imports = [ module ];
    services.huddle.party.enable = true;
    services.openssh.enable = true;
  }};
"""


def hive(hosts: SshHosts, source: Path, origin: str) -> str:
    """The hive; `source` is where Huddle's source is when it is deployed, `origin` names the hosts file."""
    control = hosts.control or hosts.hosts[0].name
    parts = [_HEAD.format(count=len(hosts.hosts), origin=_comment(origin), source=_path(source))]
    for host in hosts.hosts:
        parts.append("\n" + "\n".join(_host(host, host.name == control)) + "\n")
    return "".join(parts) + "}\n"


def _host(host: SshHost, control: bool) -> Iterator[str]:
    yield f"  {quoted(host.name)} = {{"
    yield f"    imports = own (./. + {quoted(f'/{host.name}.nix')});"
    yield "    deployment = {"
    yield f"      targetHost = {quoted(host.host)};"
    yield f"      targetUser = {quoted(host.user) if host.user else 'null'};"
    yield f"      targetPort = {host.port};"
    yield f"      tags = [ {quoted(host.region)} ];" if host.region else "      tags = [ ];"
    yield "    };"
    if control:
        yield "    services.huddle.rendezvous = {"
        yield "      enable = true;"
        yield "      openFirewall = true;"
        yield "    };"
    yield "  };"


def quoted(text: str) -> str:
    """The text as a string of the Nix language."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("${", "\\${"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


def _path(path: Path) -> str:
    return f"(/. + {quoted(str(path))})"


def _comment(text: str) -> str:
    return " ".join(text.split())
