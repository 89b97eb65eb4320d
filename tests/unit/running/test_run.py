"""Programs at three parties: real processes and sockets, links in memory."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from huddle.errors import PeerError, ProgramError
from huddle.running import sandbox
from huddle.running.spec import RunnerExit
from tests.unit.running.support import NAMES, PATIENCE, PYTHONS, Table, lay

pytestmark = pytest.mark.timeout(120)

WELL = RunnerExit(0)


async def test_a_product_is_right_and_its_rounds_are_counted(tmp_path: Path) -> None:
    table = await lay(tmp_path, "chain.py", "10", lockstep=True)
    assert await table.finish() == [WELL] * 3
    assert all("result 2048" in out for out in table.outputs)
    # hello, inputs, ten products, output, the meeting before shutdown
    assert table.links.rounds == 1 + 1 + 10 + 1 + 1


@pytest.mark.parametrize("options", [("--no-uvloop",), ("-W", "2"), ("--no-prss",), ("--no-numpy",)])
async def test_flags_of_mpyc_work(tmp_path: Path, options: tuple[str, ...]) -> None:
    table = await lay(tmp_path, "chain.py", *options, "3")
    assert await table.finish() == [WELL] * 3
    assert all("result 16" in out for out in table.outputs)


async def test_flags_stand_before_the_programs_own_double_dash(tmp_path: Path) -> None:
    source = (
        "import sys; from mpyc.runtime import mpc; mpc.run(mpc.start()); print(sys.argv[1:], mpc.threshold)"
    )
    table = await lay(tmp_path, source, "a", "--", "-x", threshold=0)
    assert await table.finish() == [WELL] * 3
    assert all(out.endswith("['a', '--', '-x'] 0\n") or "'-x'] 0" in out for out in table.outputs)


@pytest.mark.parametrize("python", PYTHONS)
async def test_two_uses_of_the_network_with_input_between(tmp_path: Path, python: str) -> None:
    table = await lay(tmp_path, "twice.py", lines=("10",), python=python)
    for screen in table.screens:
        await asyncio.wait_for(screen.until("second 30"), PATIENCE)
        assert screen.run
        screen.run.close_stdin()
    assert await table.finish() == [WELL] * 3
    for screen in table.screens:
        assert "first 6" in screen.out
        assert "bonus? " in screen.out
        assert screen.out.endswith("no more\n")
        assert screen.inputs[:2] == [True, False]


async def test_one_party_types_late_and_the_others_wait(tmp_path: Path) -> None:
    table = await lay(tmp_path, "twice.py")
    slow = table.screens[1]
    for screen in table.screens:
        await asyncio.wait_for(screen.until_inputs([True]), PATIENCE)
        if screen is not slow:
            assert screen.run
            screen.run.send_line("1")
            await asyncio.wait_for(screen.until_inputs([True, False]), PATIENCE)
    assert [run.status for run in table.runs] == ["computing", "input", "computing"]
    assert slow.run
    slow.run.send_line("5")
    for screen in table.screens:
        await asyncio.wait_for(screen.until("second 7"), PATIENCE)
        assert screen.run
        screen.run.close_stdin()
    assert await table.finish() == [WELL] * 3
    assert [run.status for run in table.runs] == ["gone"] * 3


async def test_arrays(tmp_path: Path) -> None:
    table = await lay(tmp_path, "arrays.py")
    assert await table.finish() == [WELL] * 3
    assert all("result 55" in out for out in table.outputs)


async def test_one_party_alone(tmp_path: Path) -> None:
    table = await lay(
        tmp_path, "from mpyc.runtime import mpc; print(mpc.run(mpc.output(mpc.SecInt()(7))))", parties=1
    )
    assert await table.finish() == [WELL]
    assert "7" in table.outputs[0]


async def test_a_program_sees_what_a_script_sees(tmp_path: Path) -> None:
    source = """
import os, sys, pickle
sys.path.insert(0, sys.path[0])
import beside
class Thing: pass
assert isinstance(pickle.loads(pickle.dumps(Thing())), Thing)
assert __name__ == "__main__" and __file__ == os.path.abspath("program.py")
assert sys.argv[0] == "program.py" and os.getcwd() == os.path.dirname(__file__) == sys.path[0]
assert not [name for name in os.environ if name.startswith(("PYTHON", "HUDDLE_R")) and name != "HUDDLE_RUN"]
assert "huddle" not in sys.modules
print("über", file=sys.stderr)
import atexit; atexit.register(print, "at the very end")
"""
    os.environ["HUDDLE_RENDEZVOUS"] = "https://example.org"
    (tmp_path / "party0").mkdir()
    (tmp_path / "party0" / "beside.py").write_text("")
    table = await lay(tmp_path, source, parties=1)
    assert await table.finish() == [WELL], table.screens[0].err
    assert table.outputs == ["at the very end\n"]
    assert table.screens[0].err == "über\n"


async def test_a_program_may_use_asyncio_before_mpyc(tmp_path: Path) -> None:
    source = """
import asyncio
asyncio.run(asyncio.sleep(0))
from mpyc.runtime import mpc
mpc.run(mpc.start())
print("result", mpc.run(mpc.output(mpc.sum(mpc.input(mpc.SecInt()(mpc.pid))))))
mpc.run(mpc.shutdown())
asyncio.run(asyncio.sleep(0))
"""
    table = await lay(tmp_path, source)
    assert await table.finish() == [WELL] * 3
    assert all("result 3" in out for out in table.outputs)


# --- what goes wrong


async def test_a_crash_is_told_and_the_others_end_naming_it(tmp_path: Path) -> None:
    source = """
from mpyc.runtime import mpc
async def main():
    await mpc.start()
    if mpc.pid == 1:
        raise ValueError("no luck")
    await mpc.output(mpc.input(mpc.SecInt()(1)))
mpc.run(main())
"""
    table = await lay(tmp_path, source)
    exits = await table.finish()
    errors = table.errors(exits)
    assert isinstance(errors[1], ProgramError)
    assert "ValueError: no luck" in str(errors[1])
    assert 'program.py", line 6' in table.screens[1].err
    assert "runner/main.py" not in table.screens[1].err
    for pid in (0, 2):
        error = errors[pid]
        assert isinstance(error, PeerError)
        assert exits[pid].code == 76
    # the one that stopped first, or one that stopped because of it
    assert exits[0].culprit in (1, 2)
    assert 1 in (exits[0].culprit, exits[2].culprit)


@pytest.mark.parametrize(
    "said",
    [
        b'{"exit": "stop", "reason": "", "peer": null}\n',
        b'{"exit": 0, "reason": "", "peer": 0}\n',
        b'{"input": true}\n{"input": false}\n',
        b'{"exit": 0, "reason": "", "peer": null}\n{"input": true}\n',
        b"x" * (1 << 20),
    ],
)
async def test_a_program_that_lies_to_its_supervisor_ends_its_own_run(tmp_path: Path, said: bytes) -> None:
    source = f"""
import gc, time
(control,) = (thing for thing in gc.get_objects() if type(thing).__name__ == "Control")
try:
    control._sock.sendall({said!r})
    while True:
        time.sleep(1)
except OSError:
    pass
"""
    table = await lay(tmp_path, source, parties=1)
    (exit_,) = await table.finish()
    assert exit_ == RunnerExit(None, 9, "it sent its supervisor something other than reports")
    assert isinstance(table.errors([exit_])[0], ProgramError)


async def test_an_exit_code_is_told(tmp_path: Path) -> None:
    table = await lay(tmp_path, "import sys; sys.exit(3)")
    assert await table.finish() == [RunnerExit(3, reason="it exited with code 3")] * 3


async def test_an_exit_message_is_told(tmp_path: Path) -> None:
    table = await lay(tmp_path, "import sys; sys.exit('not today')", parties=1)
    assert await table.finish() == [RunnerExit(1, reason="not today")]
    assert table.screens[0].err == "not today\n"


async def test_nobody_waits_for_who_is_asked_something_once_all_are_connected(tmp_path: Path) -> None:
    source = """
from mpyc.runtime import mpc
async def main():
    await mpc.start()
    print("connected", flush=True)
    print("answer", input())
    await mpc.shutdown()
mpc.run(main())
"""
    table = await lay(tmp_path, source)
    for screen in table.screens:
        await screen.until("connected")
    for run in table.runs:
        run.send_line("yes")
    assert await table.finish() == [WELL] * 3


async def test_a_party_that_leaves_before_the_start_is_named(tmp_path: Path) -> None:
    source = """
from mpyc.runtime import mpc
if mpc.pid == 2:
    raise SystemExit
mpc.run(mpc.start())
mpc.run(mpc.output(mpc.input(mpc.SecInt()(1))))
"""
    table = await lay(tmp_path, source)
    exits = await table.finish()
    assert exits[2] == WELL
    assert exits[0].culprit in (1, 2)
    assert exits[1].culprit in (0, 2)
    assert "carol" in exits[0].reason + exits[1].reason


async def test_a_peer_that_ends_without_shutdown_harms_nobody_who_has_all(tmp_path: Path) -> None:
    source = """
from mpyc.runtime import mpc
mpc.run(mpc.start())
print("result", mpc.run(mpc.output(mpc.sum(mpc.input(mpc.SecInt()(mpc.pid))))))
"""
    table = await lay(tmp_path, source)
    assert await table.finish() == [WELL] * 3
    assert all("result 3" in out for out in table.outputs)


@pytest.mark.parametrize("options", [(), ("--no-uvloop",)])
async def test_a_verdict_cannot_be_waited_out(tmp_path: Path, options: tuple[str, ...]) -> None:
    source = """
from mpyc.runtime import mpc
mpc.run(mpc.start())
if mpc.pid == 0:
    raise SystemExit
try:
    mpc.run(mpc.output(mpc.input(mpc.SecInt()(1))))
except BaseException:
    mpc.run(mpc.shutdown())
"""
    table = await lay(tmp_path, source, *options, parties=2)
    exits = await table.finish()
    assert exits[1].culprit == 0


async def test_a_forged_pid_is_named(tmp_path: Path) -> None:
    source = """
import sys
if "-I" in sys.argv and sys.argv[sys.argv.index("-I") + 1] == "1":
    from mpyc.runtime import mpc
    mpc.pid = 0
    mpc.parties[0].protocol = None
    async def claim():
        class Claim:
            def connection_made(self, transport): transport.write(bytes(2))
            def connection_lost(self, error): pass
        await mpc._loop.create_connection(Claim, "p2.huddle", 11367)
    mpc.run(claim())
else:
    from mpyc.runtime import mpc
    mpc.run(mpc.start())
"""
    table = await lay(tmp_path, source)
    exits = await table.finish()
    assert exits[2] == RunnerExit(76, reason="bob claimed to be party 0", culprit=1)


async def test_a_peer_cannot_lie_the_rounds_over_their_end(tmp_path: Path) -> None:
    source = """
from mpyc.runtime import mpc
if mpc.pid == 0:
    mpc._loop.run_forever.__closure__[-1].cell_contents.depth = 0xFFFFFFFE
mpc.run(mpc.start())
print("result", mpc.run(mpc.output(mpc.sum(mpc.input(mpc.SecInt()(mpc.pid))))))
mpc.run(mpc.shutdown())
"""
    table = await lay(tmp_path, source, parties=2)
    assert await table.finish() == [WELL] * 2
    assert table.links.rounds == 0xFFFFFFFF


@pytest.mark.parametrize("sandboxed", [False, True])
async def test_a_runner_dies_with_its_supervisor(tmp_path: Path, sandboxed: bool) -> None:
    if sandboxed and sandbox.problem():
        pytest.skip(sandbox.problem())
    script = tmp_path / "supervisor.py"
    script.write_text(SUPERVISOR.format(tests=str(Path(__file__).parents[1]), sandboxed=sandboxed))
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, script, tmp_path, stdout=asyncio.subprocess.PIPE
    )
    assert supervisor.stdout
    assert await asyncio.wait_for(supervisor.stdout.readline(), PATIENCE) == b"here\n"
    below = psutil.Process(supervisor.pid).children(recursive=True)
    assert below
    supervisor.kill()
    await supervisor.wait()
    _, alive = psutil.wait_procs(below, 20)
    assert not alive
    await supervisor.communicate()


SUPERVISOR = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from huddle.running import account
account.refuse_root = lambda: None  # this program is ours
from running.support import lay
async def main():
    program = "import time; print('here', flush=True); time.sleep(600)"
    table = await lay(Path(sys.argv[1]), program, parties=1, sandboxed={sandboxed})
    await table.screens[0].until("here")
    print("here", flush=True)
    await table.finish(600)
asyncio.run(main())
"""


async def test_an_endless_loop_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    source = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("child", child.pid, flush=True)
while True: pass
"""
    table = await lay(tmp_path, source, parties=1)
    run, screen = table.runs[0], table.screens[0]
    await asyncio.wait_for(screen.until("\n"), PATIENCE)
    child = psutil.Process(int(screen.out.split()[1]))
    run.stop("you stopped it")
    assert await table.finish() == [RunnerExit(None, signal.SIGKILL, "you stopped it", stopped=True)]
    child.wait(20)
    assert run.os_pid is not None
    assert not psutil.pid_exists(run.os_pid)


@pytest.mark.parametrize("orderly", [True, False])
async def test_a_daemon_does_not_outlive_its_run(tmp_path: Path, orderly: bool) -> None:
    source = """
import os, subprocess, sys, time
if os.fork() == 0:
    os.setsid()
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    print(os.getpid(), child.pid, flush=True)
    time.sleep(600)
time.sleep(600)
"""
    table = await lay(tmp_path, source, parties=1)
    await asyncio.wait_for(table.screens[0].until("\n"), PATIENCE)
    daemons = [psutil.Process(int(pid)) for pid in table.outputs[0].split()]
    if orderly:
        table.runs[0].stop("enough")
        await table.finish()
    else:
        table.close()
    _, alive = psutil.wait_procs(daemons, 20)
    assert not alive


@pytest.mark.parametrize("options", [(), ("--no-uvloop",)])
async def test_a_killed_runner_ends_the_others(tmp_path: Path, options: tuple[str, ...]) -> None:
    source = """
import time
from mpyc.runtime import mpc
mpc.run(mpc.start())
print("started", flush=True)
if mpc.pid == 1:
    time.sleep(600)
mpc.run(mpc.output(mpc.input(mpc.SecInt()(1))))
"""
    table = await lay(tmp_path, source, *options)
    await asyncio.wait_for(table.screens[1].until("started"), PATIENCE)
    assert table.runs[1].os_pid
    os.kill(table.runs[1].os_pid, signal.SIGKILL)
    exits = await table.finish()
    assert exits[1] == RunnerExit(None, signal.SIGKILL, "it was killed by SIGKILL")
    assert exits[0].code == exits[2].code == 76
    assert "the program of bob" in exits[0].reason + exits[2].reason


@pytest.mark.parametrize("bad", ["b'\\x09' * 8", "b'\\x11' + bytes(15)", "b'\\x03' + bytes(15)", "bytes(3)"])
async def test_a_hostile_runner_harms_nobody_else(tmp_path: Path, bad: str) -> None:
    source = f"""
import os, sys
from mpyc.runtime import mpc
if mpc.pid == 0:
    os.write(mpc._loop.run_forever.__closure__[-1].cell_contents.carrier.sock.fileno(), {bad})
    os.kill(os.getpid(), 9)
mpc.run(mpc.start())
"""
    table = await lay(tmp_path, source, parties=2)
    exits = await table.finish()
    assert exits[0].reason
    assert exits[1].culprit == 0
    assert NAMES[0] in exits[1].reason


async def test_lies_on_the_control_socket_end_the_run(tmp_path: Path) -> None:
    for number, lie in enumerate(["b'[1]\\n'", "b'{}\\n'", "b'x' * 100_000", "b'[' * 60_000 + b'\\n'"]):
        source = f"""
import gc, socket, time
sockets = [thing for thing in gc.get_objects() if type(thing) is socket.socket]
control = max(sockets, key=socket.socket.fileno)  # the other one is the lane
control.setblocking(True)
control.sendall({lie})
time.sleep(600)
"""
        place = tmp_path / str(number)
        place.mkdir()
        table = await lay(place, source, parties=1)
        exits = await table.finish()
        assert "other than reports" in exits[0].reason


async def test_output_is_passed_on_whole(tmp_path: Path) -> None:
    source = """
import sys
sys.stdout.buffer.write("ä".encode() * 500_000 + b"\\xff")
sys.stdout.buffer.flush()
sys.stderr.write("no end of line")
"""
    table = await lay(tmp_path, source, parties=1)
    assert await table.finish() == [WELL]
    assert table.outputs == ["ä" * 500_000 + "\ufffd"]
    assert table.screens[0].err == "no end of line"


async def test_stopped_before_it_starts(tmp_path: Path) -> None:
    table: Table = await lay(tmp_path, "import time; time.sleep(600)", parties=1, start=False)
    table.runs[0].stop("changed my mind")
    await table.runs[0].start()
    exits = await table.finish()
    assert exits[0].reason == "changed my mind"
