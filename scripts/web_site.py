"""Packs what a browser's Python has in its site-packages: Huddle, and what it needs, as they are installed.

    web_site.py TARGET.zip

The same files give the same bytes: names are sorted, times are left out.
"""

import importlib.metadata
import sys
import zipfile
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"
PACKAGES = ("mpyc", "spake2")
# What no browser runs: commands, notebooks, who deals a class, the server's side of the rendezvous, processes
# and their sandbox.
LEFT_OUT = (
    "huddle/cli/",
    "huddle/groups/dealer.py",
    "huddle/helper.py",
    "huddle/landlock.py",
    "huddle/networks/headscale/admission.py",
    "huddle/networks/headscale/api.py",
    "huddle/networks/headscale/server.py",
    "huddle/networks/iroh/library.py",
    "huddle/networks/iroh/network.py",
    "huddle/networks/tailscale/daemon.py",
    "huddle/networks/tls/network.py",
    "huddle/networks/tls/offer.py",
    "huddle/networks/tls/race.py",
    "huddle/networks/tls/transport.py",
    "huddle/networks/tor/control.py",
    "huddle/networks/tor/daemon.py",
    "huddle/networks/tor/keys.py",
    "huddle/networks/tor/network.py",
    "huddle/networks/tor/socks.py",
    "huddle/networks/webrtc/native.py",
    "huddle/networks/wireguard/by_hand.py",
    "huddle/networks/wireguard/helper.py",
    "huddle/networks/wireguard/network.py",
    "huddle/networks/wireguard/packet_relay.py",
    "huddle/networks/wireguard/rootless.py",
    "huddle/networks/wireguard/system.py",
    "huddle/networks/wireguard/tunnel.py",
    "huddle/notebook/",
    "huddle/running/account.py",
    "huddle/running/dependencies.py",
    "huddle/running/launcher.py",
    "huddle/running/meter.py",
    "huddle/running/process.py",
    "huddle/running/sandbox.py",
    "huddle/running/seccomp.py",
    "huddle/running/syscalls.txt",
    "huddle/session/classroom.py",
    "huddle/session/native_platform.py",
    "huddle/page/",
    "huddle/programs/",
    "huddle/rendezvous/server/",
    "spake2/test/",
)


def files() -> dict[str, bytes]:
    """All files, by their path in site-packages."""
    found = {
        path.relative_to(SOURCE).as_posix(): path
        for path in SOURCE.rglob("*")
        if path.suffix in (".py", ".txt")
    }
    for name in PACKAGES:
        for file in importlib.metadata.files(name) or ():
            if file.suffix == ".py" or file.name == "METADATA":
                found[file.as_posix()] = Path(str(file.locate()))
    return {name: path.read_bytes() for name, path in sorted(found.items()) if not name.startswith(LEFT_OUT)}


def main() -> None:
    """Write the archive."""
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in files().items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
