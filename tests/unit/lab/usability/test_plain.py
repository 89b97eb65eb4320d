"""What MPyC by itself promises, with and without its own `--ssl`, tried by who breaks it."""

import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from huddle_lab.runs.plain import certificates
from huddle_lab.usability.plain import authority, certificate
from tests.ports import free_ports

PROGRAM = Path(__file__).parents[3] / "programs" / "total.py"
SECRET, OTHER = 123_456_789, 1000
SENT, CHANGED = (number.to_bytes(8, "little") for number in (SECRET, OTHER))  # as MPyC writes a share


def run(*parties: tuple[Path, int, list[str], list[str]]) -> list[str]:
    """What parties print: each is started in a directory, as a number, with addresses and more arguments."""
    processes = []
    for folder, pid, addresses, more in parties:
        flags = [word for address in addresses for word in ("-P", address)]
        command = [sys.executable, str(PROGRAM), *more, *flags, "-I", str(pid)]
        processes.append(subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True))
    try:
        found = []
        for process in processes:
            out, _ = process.communicate(timeout=60)
            assert process.returncode == 0
            found.append(out)
        return found
    finally:
        for process in processes:
            process.kill()
            process.wait()


class Carrier:
    """Who carries the bytes of two parties: notes what goes to the one that listens, and may change it."""

    def __init__(self, target: int, change: Callable[[bytes], bytes]) -> None:
        self.seen = b""
        self._target, self._change = target, change
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._carry, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        for thread in self._threads:
            thread.join(10)

    def _carry(self) -> None:
        came, _ = self._server.accept()
        with came, self._dialled() as there:
            back = threading.Thread(target=self._pump, args=(there, came, lambda data: data), daemon=True)
            back.start()
            self._pump(came, there, self._noted)
            back.join(10)

    def _dialled(self) -> socket.socket:
        """The one who listens may only be starting."""
        until = time.monotonic() + 30
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                if time.monotonic() > until:
                    raise

    def _noted(self, data: bytes) -> bytes:
        self.seen += data
        return self._change(data)

    @staticmethod
    def _pump(start: socket.socket, end: socket.socket, change: Callable[[bytes], bytes]) -> None:
        with suppress(OSError):
            while data := start.recv(65_536):
                end.sendall(change(data))
            end.shutdown(socket.SHUT_WR)


def carried(
    folder: Path, bob_folder: Path, change: Callable[[bytes], bytes], *flags: str
) -> tuple[str, str, bytes]:
    """Ada, whose number is the secret, computes with Bob; what both print, and what the carrier saw."""
    first, second = free_ports(2)
    with Carrier(second, change) as between:
        ada, bob = run(
            (folder, 0, [f"127.0.0.1:{first}", between.address], [*flags, "--number", str(SECRET)]),
            (bob_folder, 1, [f"127.0.0.1:{first}", f"127.0.0.1:{second}"], list(flags)),
        )
    return ada, bob, between.seen


def homes(folder: Path, names: tuple[int, ...], shown: tuple[int, ...], made: dict[str, bytes]) -> list[Path]:
    """A directory for each of these parties, with the certificate that each shows."""
    found = []
    for pid, other in zip(names, shown, strict=True):
        home = folder / str(pid)
        (home / ".config").mkdir(parents=True)
        (home / ".config/mpyc_ca.crt").write_bytes(made[".config/mpyc_ca.crt"])
        for kind in ("crt", "key"):
            (home / f".config/party_{pid}.{kind}").write_bytes(made[f".config/party_{other}.{kind}"])
        found.append(home)
    return found


def test_who_is_on_the_path_reads_an_input_and_changes_the_result(tmp_path: Path) -> None:
    """Of two parties, each share is the input itself."""
    ada, bob, seen = carried(tmp_path, tmp_path, lambda data: data.replace(SENT, CHANGED))
    assert SENT in seen
    assert f"total: {SECRET + 1}" in ada and f"total: {OTHER + 1}" in bob  # and nobody complains


def test_with_ssl_who_is_on_the_path_reads_no_input(tmp_path: Path) -> None:
    mine, theirs = homes(tmp_path, (0, 1), (0, 1), certificates(2))
    ada, bob, seen = carried(mine, theirs, lambda data: data, "--ssl")
    assert f"total: {SECRET + 1}" in ada and f"total: {SECRET + 1}" in bob
    assert len(seen) > 500 and SENT not in seen


def test_whoever_dials_first_is_the_party_whose_number_it_says(tmp_path: Path) -> None:
    """Ada was told another address for party 0."""
    elsewhere, port = free_ports(2)
    eve, ada = run(
        (tmp_path, 0, [f"127.0.0.1:{elsewhere}", f"127.0.0.1:{port}"], []),
        (tmp_path, 1, [f"127.0.0.2:{elsewhere}", f"127.0.0.1:{port}"], []),
    )
    assert "total: 2" in eve and "total: 2" in ada


def test_a_certificate_is_taken_under_another_number(tmp_path: Path) -> None:
    """Party 2 comes as party 0, with its own certificate, and party 1 computes with it."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    first, second = homes(tmp_path, (0, 1), (2, 1), certificates(3))
    for said in run((first, 0, addresses, ["--ssl"]), (second, 1, addresses, ["--ssl"])):
        assert "total: 2" in said


def test_who_made_the_authority_is_anybody(tmp_path: Path) -> None:
    """It makes a second certificate for party 1, whom party 0 takes for the first."""
    ada, eve = tmp_path / "ada", tmp_path / "eve"
    ada.mkdir()
    for line in (*authority(), *certificate(0), *certificate(1)):
        subprocess.run(["bash", "-c", line], cwd=ada, check=True, capture_output=True)
    shutil.copytree(ada, eve)
    for line in certificate(1):
        subprocess.run(["bash", "-c", line], cwd=eve, check=True, capture_output=True)
    keys = [(one / ".config/party_1.key").read_bytes() for one in (ada, eve)]
    assert keys[0] != keys[1]
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    for said in run((ada, 0, addresses, ["--ssl"]), (eve, 1, addresses, ["--ssl"])):
        assert "total: 2" in said
