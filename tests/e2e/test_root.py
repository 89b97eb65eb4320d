"""Sessions that root starts: nothing of a stranger runs as root, and root's files are kept and not shown."""

import contextlib
import os
import random
import shutil
import socket
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from huddle.running.account import NOBODYS
from tests.e2e.burglary import try_all
from tests.e2e.chaos import wait_until
from tests.e2e.harness import LOCAL, Lab, lab
from tests.e2e.ordinary import __file__ as ordinary

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start something as root")

NOBODY = 65534  # of every system: the person who types sudo here
SUDO = {"SUDO_UID": str(NOBODY), "SUDO_GID": str(NOBODY), "SUDO_USER": "nobody"}


def status(pid: int, *fields: str, base: int = 10) -> set[int]:
    """The numbers of these fields of a process, as the kernel has them."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = [line.split()[1:] for line in lines if line.partition(":")[0] in fields]
    return {int(number, base) for numbers in found for number in numbers}


@pytest.fixture
def anywhere() -> Iterator[Lab]:
    """A lab that others than root can reach; Cyd's files are those of who types sudo."""
    folder = Path(tempfile.mkdtemp(prefix="huddle-test-"))
    folder.chmod(0o755)
    for name in ("Cyd", "Cyd.tmp"):
        (folder / name).mkdir(mode=0o700)
        os.chown(folder / name, NOBODY, NOBODY)
    try:
        with lab(folder) as people:
            yield people
    finally:
        shutil.rmtree(folder)


def test_three_who_are_root_run_it_as_others(anywhere: Lab, url: str, programs: Path, tmp_path: Path) -> None:
    secret, mine = tmp_path / "secret", tmp_path / "mine"
    for file in (secret, mine):
        file.write_text(f"the {file.name} of root")
        file.chmod(0o600)
    program = tmp_path / "whose.py"  # only root can read it, and can host it: it is read before
    shutil.copy(programs / "whose.py", program)
    program.chmod(0o600)

    def record(name: str) -> Path:
        return (anywhere.home(name) if name == "Cyd" else tmp_path) / f"{name}.record"

    def options(name: str, *more: str) -> tuple[str, ...]:
        return ("--input", str(mine), "--record", str(record(name)), *more)

    host = anywhere.host(program, str(secret), "/etc/shadow", "mine", url=url, options=options("Ada"))
    link = host.wait("invitation")["url"]
    bob = anywhere.join("Bob", link, program, options=options("Bob", "--no-sandbox"))
    cyd = anywhere.join("Cyd", link, program, options=options("Cyd"), env=SUDO)
    parties = (host, bob, cyd)
    for party in parties:
        party.wait("input", lambda event: event["waiting"])
        (uid,) = status(party.process.pid, "Uid")
        assert uid == NOBODY if party is cyd else uid in NOBODYS
        runners = party.descendants()
        assert runners, party.story()
        for pid in (party.process.pid, *runners):
            assert status(pid, "Uid") == {uid} and 0 not in status(pid, "Gid", "Groups")
    assert status(host.process.pid, "Uid") != status(bob.process.pid, "Uid")
    for party in parties:
        party.type("on")
    for party in parties:
        assert party.end() == 0, party.story()
        said = dict(line.partition(": ")[::2] for line in party.output().splitlines())
        assert said["mine"] == "got 'the mine of root'"
        assert said[str(secret)].startswith("refused") and said["/etc/shadow"].startswith("refused")
        assert "total: 3" in party.output()
        owner = NOBODY if party is cyd else 0
        assert (party.home / "identity").stat().st_uid == owner
        assert record(party.home.name).stat().st_uid == owner
        assert wait_until(lambda party=party: party.left() == [], 20), party.left()


def test_no_attempt_of_a_stranger_s_program_succeeds_where_an_ordinary_person_starts_it(
    anywhere: Lab, url: str, programs: Path, port: int
) -> None:
    uid = NOBODYS[11]
    for name in ("Ada", "Bob"):
        anywhere.commands[name] = (sys.executable, ordinary, str(uid))
        for folder in (anywhere.home(name), anywhere.home(f"{name}.tmp")):
            folder.mkdir(mode=0o700)
            os.chown(folder, uid, uid)
    try_all(anywhere, url, programs, port, anywhere.home("private"))
    assert {path.stat().st_uid for path in anywhere.home("Bob").iterdir()} == {uid}


def test_root_s_own_files_are_not_touched_by_who_types_sudo(
    anywhere: Lab, url: str, programs: Path, tmp_path: Path
) -> None:
    roots = tmp_path / "roots"
    roots.mkdir(mode=0o700)
    party = anywhere.host(programs / "total.py", url=url, env=SUDO | {"HUDDLE_HOME": str(roots)})
    assert party.end() == LOCAL
    assert "roots" in party.errors() and not party.all("invitation")


def test_a_record_that_can_t_be_kept_is_refused_before(anywhere: Lab, url: str, programs: Path) -> None:
    party = anywhere.host(programs / "total.py", url=url, options=("--record", "/proc/nowhere/a.record"))
    assert party.end() == LOCAL
    assert "Choose another --record" in party.errors() and not party.all("invitation")


def low_port() -> int:
    """A port below 1024 on which nobody listens."""
    for port in random.sample(range(600, 1024), 100):  # another worker's tests choose one as well
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port
    raise AssertionError("none is free")


def test_to_listen_on_a_port_of_root_s_nothing_else_of_root_s_is_kept(
    anywhere: Lab, url: str, programs: Path
) -> None:
    port = low_port()
    host = anywhere.host(programs / "whose.py", parties=2, url=url, options=("--port", str(port)))
    guest = anywhere.join("Bob", host.wait("invitation")["url"], programs / "whose.py")
    for party in (host, guest):
        party.wait("input", lambda event: event["waiting"])
    listening = psutil.Process(host.process.pid).net_connections("tcp")
    assert port in {one.laddr.port for one in listening if one.status == psutil.CONN_LISTEN}
    assert status(host.process.pid, "CapPrm", "CapEff", base=16) == {1 << 10}  # CAP_NET_BIND_SERVICE
    runners = host.descendants()
    assert runners and all(status(pid, "CapPrm", base=16) == {0} for pid in runners)
    for party in (host, guest):
        party.type("on")
    for party in (host, guest):
        assert party.end() == 0, party.story()


def test_a_rendezvous_that_root_starts_is_root_no_more_once_it_listens(
    anywhere: Lab, programs: Path, tmp_path: Path
) -> None:
    port, rooms = low_port(), tmp_path / "only root's" / "rooms.db"
    rooms.parent.mkdir(mode=0o700)
    for _ in range(2):  # the second time the database is there
        server, url = anywhere.rendezvous("--database", str(rooms), port=port)
        (uid,) = status(server.process.pid, "Uid")
        assert uid in NOBODYS and 0 not in status(server.process.pid, "Gid", "Groups")
        assert status(server.process.pid, "CapPrm", "CapEff", base=16) == {0}
        host = anywhere.host(programs / "total.py", parties=2, url=url)
        guest = anywhere.join("Bob", host.wait("invitation")["url"], programs / "total.py")
        for party in (host, guest):
            assert party.end() == 0, party.story()
        with urllib.request.urlopen(f"{url}/", timeout=10) as page:  # noqa: S310 - loopback
            assert page.status == 200
        server.process.terminate()
        assert server.end() == 0, server.story()
        assert server.stderr == ""


def test_a_supervisor_can_t_be_looked_into_nor_become_root_again(
    anywhere: Lab, url: str, programs: Path
) -> None:
    host = anywhere.host(programs / "total.py", url=url)
    host.wait("invitation")
    pid = host.process.pid
    # Of a process that its own account may trace these files are its own.
    assert Path(f"/proc/{pid}/environ").stat().st_uid == 0
    limits = Path(f"/proc/{pid}/limits").read_text()
    (core,) = [line.split() for line in limits.splitlines() if line.startswith("Max core file size")]
    assert core[4:6] == ["0", "0"]
    assert status(pid, "CapPrm", "CapEff", "CapAmb", base=16) == {0}
    host.process.terminate()
    host.end()
