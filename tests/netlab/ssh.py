"""Hosts with a real sshd, each in a namespace of its own, for tests of the lab's provider ssh."""

import os
import subprocess
import time
from pathlib import Path

from tests.netlab.net import Node


class Sshd:
    """One sshd, which lets the lab's key in as root, and knows no other way in."""

    def __init__(self, node: Node, folder: Path) -> None:
        self.node, self.folder = node, folder
        self.base = folder / "base"
        self.base.mkdir(parents=True)
        os.makedirs("/run/sshd", exist_ok=True)
        for name in ("host", "user"):
            keygen(folder / name)
        (folder / "known_hosts").write_text(f"{node.addresses[0]} {(folder / 'host.pub').read_text()}")
        config = folder / "sshd_config"
        config.write_text(
            f"ListenAddress {node.addresses[0]}\nPort 22\nHostKey {folder}/host\nPidFile none\n"
            f"AuthorizedKeysFile {folder}/user.pub\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
            "PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\nLogLevel ERROR\n"
        )
        command = ["/usr/sbin/sshd", "-D", "-e", "-f", str(config)]
        with node.inside(), open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(command, stderr=log)

    def entry(self, name: str, **more: str) -> str:
        """Its table in a hosts file."""
        lines = {"name": name, "ssh": f"root@{self.node.addresses[0]}", "key": str(self.folder / "user"),
                 "folder": str(self.base), **more}  # fmt: skip
        return "[[hosts]]\n" + "".join(f'{key} = "{value}"\n' for key, value in lines.items())

    def left(self) -> list[str]:
        """What is still in the directory that the lab was given there."""
        return sorted(path.name for path in self.base.iterdir())

    def running(self) -> list[str]:
        """Command lines of all processes there but sshd."""
        pids = subprocess.run(
            ["ip", "netns", "pids", self.node.name], check=True, capture_output=True, text=True
        ).stdout.split()
        found = []
        for pid in pids:
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            except OSError:
                continue
            if line and not line.startswith(("sshd:", "/usr/sbin/sshd")):
                found.append(line)
        return found

    def clean(self, patience: float = 20.0) -> bool:
        """Whether nothing is left there, in the end."""
        until = time.monotonic() + patience
        while self.left() or self.running():
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True

    def kill(self) -> None:
        """All processes there, as if its power were cut."""
        for pid in subprocess.run(
            ["ip", "netns", "pids", self.node.name], check=True, capture_output=True, text=True
        ).stdout.split():
            subprocess.run(["kill", "-9", pid], check=False, capture_output=True)

    def close(self) -> None:
        """End it."""
        self.kill()
        self.process.wait(10)


def keygen(path: Path) -> None:
    """A key without a passphrase."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
