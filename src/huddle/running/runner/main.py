"""The runner: the process in which a party's MPyC program runs.

    python main.py FD

FD is the control socket, inherited from the supervisor. The supervisor's first line on it is a JSON
object, the configuration:

    frames, loop,     paths of links/frames.py, running/runner/loop.py,
    equip, lane,      running/runner/equip.py, running/runner/mux.py,
    standstill, exec  running/runner/standstill.py and running/runner/exec.py
    pid, names        this party, and the names of all
    lane_fd           an inherited socket, the lane (see running/mux.py)
    directory, entry  where the program lies, and its first file there
    workdir           the folder there in which it starts; empty: the directory itself
    args              its arguments; flags: MPyC's own, which come after them
    settle            in a sandbox: the path of running/runner/settle.py, with its own (see there)
    max_queue         end the program when more bytes than this wait for one peer; 0: never
    environment       variables that its person gives the program
    alone             whether nobody but the program is on its network: it is in a sandbox

The runner writes JSON objects too, one a line: `{"input": true}` when the program begins to wait for a
line on its standard input, with `"hidden": true` where that is to be no more seen than a password, and
`{"input": false}` when it goes on; `{"still": counts}` when only a peer's bytes could move it (see
`Session.counts` and standstill.py; null where not even these can); `{"replaced": true}` when another
program takes its place by os.exec, and `{"replaced": false}` when that goes on with the session; and last
`{"exit": code, "reason": text, "peer": pid or null}`.

The supervisor writes `{"stuck": text, "peer": pid or null}` when these bytes will never come: the program is
told that its peers are gone, or, where it knows, is ended for this reason. The runner ends when the
supervisor closes the socket.

The program sees what `python ENTRY ARGS` would show it, with MPyC's flags. Nothing of MPyC is changed: only
the classes of event loops that this process has, asyncio's and uvloop's, connect the session's parties
too, whoever makes a loop of them. Nothing here may import huddle or anything but the
standard library (and uvloop, where the interpreter has it): it runs in any interpreter that has MPyC.
"""

import os
import sys

if sys.path and sys.path[0] == os.path.dirname(__file__):
    del sys.path[0]  # the files beside this one are no modules of the program's

import asyncio
import atexit
import importlib.util
import io
import json
import select
import socket
import threading
import traceback
import types
import warnings
from collections.abc import Callable
from typing import Any

SLOW_END = 5.0  # seconds for a program that is to end to do so by itself

Outcome = dict[str, Any]


def load(name: str, path: str) -> Any:
    """The module in that file."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Control:
    """The socket to the supervisor."""

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)
        self._sock = socket.socket(fileno=fd)
        self.fd = fd
        self.asking = False  # the program waits for a line

    def read_config(self) -> dict[str, Any]:
        """The first line."""
        line = b""
        while not line.endswith(b"\n"):
            data = self._sock.recv(1 << 16)
            if not data:
                os._exit(1)
            line += data
        config: dict[str, Any] = json.loads(line)
        return config

    def tell(self, **message: Any) -> None:
        """Write one JSON object; a supervisor that is gone is the watchdog's business."""
        self.asking = message.get("input", self.asking)
        try:
            self._sock.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return

    def watch(self, take: "Callable[[dict[str, Any]], None]") -> None:
        """Take what the supervisor says from now on, in a thread.

        End this process as soon as the supervisor is gone, whatever the program does.
        """
        threading.Thread(target=self._watch, args=(take,), name="huddle watchdog", daemon=True).start()

    def _watch(self, take: "Callable[[dict[str, Any]], None]") -> None:
        line = b""
        try:
            while data := self._sock.recv(4096):
                *whole, line = (line + data).split(b"\n")
                for one in whole:
                    take(json.loads(one))
        finally:
            os._exit(1)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies (Linux; the watchdog does it elsewhere)."""
    if sys.platform == "linux":
        try:
            import ctypes

            ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG, SIGKILL
        except (ImportError, OSError, AttributeError):
            return


class AnnouncedInput(io.RawIOBase):
    """Standard input that tells the supervisor while the program waits for it.

    Meanwhile the event loop may stand still: what was written before is sent first, or peers would wait, too.
    """

    def __init__(self, fd: int, control: Control) -> None:
        self.hidden = False  # what is typed now is to be seen by nobody
        self.send_first: Callable[[], None] = lambda: None
        self._fd = fd
        self._control = control

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd

    def readinto(self, buffer: Any) -> int:
        sys.stdout.flush()
        waiting = not select.select([self._fd], [], [], 0)[0]
        if waiting:
            if threading.current_thread() is threading.main_thread():  # else the loop goes on
                self.send_first()
            self._control.tell(input=True, **({"hidden": True} if self.hidden else {}))
        try:
            data = os.read(self._fd, len(buffer))
        finally:
            if waiting:
                self._control.tell(input=False)
        buffer[: len(data)] = data
        return len(data)


def set_streams(control: Control) -> AnnouncedInput:
    """UTF-8 everywhere, output by lines, input announced: by what is returned."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    announced = AnnouncedInput(0, control)
    ask_by_input(announced)
    raw = io.BufferedReader(announced)
    # The old one must not close the descriptor when it goes.
    sys.stdin.detach()  # type: ignore[union-attr]
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(raw, encoding="utf-8", errors="replace")  # type: ignore[misc]
    return announced


def ask_by_input(announced: Any) -> None:
    """Let `getpass.getpass` ask as `input` does, hidden: a runner has no terminal that it could ask at."""
    import getpass

    def ask(prompt: str = "Password: ", stream: Any = None, **_: Any) -> str:
        announced.hidden = True
        try:
            return input(prompt)
        finally:
            announced.hidden = False

    getpass.getpass = ask


def set_arguments(config: dict[str, Any]) -> None:
    """`python ENTRY ARGS` with MPyC's flags, which must stand before a `--` of the program's own."""
    flags = list(config["flags"])
    for pid in range(len(config["names"])):
        flags += ["-P", f"p{pid}.huddle:{11365 + pid}"]
    flags += ["-I", str(config["pid"])]
    args = list(config["args"])
    end = args.index("--") if "--" in args else len(args)
    entry = os.path.relpath(config["entry"], config.get("workdir") or ".")
    sys.argv = [entry, *args[:end], *flags, *args[end:]]


def loop_classes() -> "list[Any]":
    """The classes that all event loops of this interpreter are made from."""
    found: list[Any] = [asyncio.BaseEventLoop]
    try:
        import uvloop

        found.append(uvloop.Loop)
    except ImportError:
        pass
    return found


def install(loop_type: Any) -> Any:
    """Make a loop of this type the current one, and further ones for a program that asks for more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # policies end with Python 3.16
        if hasattr(asyncio, "DefaultEventLoopPolicy"):

            class Policy(asyncio.DefaultEventLoopPolicy):  # type: ignore[misc, name-defined, unused-ignore]
                def new_event_loop(self) -> Any:
                    return loop_type()

            asyncio.set_event_loop_policy(Policy())
    loop = loop_type()
    asyncio.set_event_loop(loop)
    return loop


def set_environment() -> None:
    """Nothing that changes how Python or MPyC work."""
    for name in [name for name in os.environ if name.startswith(("MPYC_", "PYTHON"))]:
        del os.environ[name]


class StandstillReporter:
    """What the supervisor hears when the program can't go on by itself, and what becomes of it then."""

    def __init__(self, control: Control, session: Any, module: Any, config: "dict[str, Any]") -> None:
        self._control, self._session = control, session
        self._verdict = config["verdict"]
        self._watch = module.Watch(self._state, self._still, config["lane_fd"], config["alone"])
        self._hung_up = self._told = False

    def start(self) -> None:
        """Look from now on."""
        self._watch.start()

    def stuck(self, message: "dict[str, Any]") -> None:
        """Nothing will come any more; in the watchdog's thread."""
        reason, peer = str(message["stuck"]), message["peer"]
        loop = self._session.loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._decide, reason, peer)
        if self._told:  # it did not listen, or its loop has stopped
            timer = threading.Timer(SLOW_END, self._leave, (reason, peer))
            timer.daemon = True
            timer.start()
        self._told = True
        self._watch.again()

    def _decide(self, reason: str, peer: "int | None") -> None:
        told, self._hung_up = self._hung_up, True
        if told or not self._session.hang_up():
            self._session.end(self._verdict(reason, peer))

    def _leave(self, reason: str, peer: "int | None") -> None:
        self._control.tell(exit=76, reason=reason, peer=peer)
        os._exit(76)

    def _state(self) -> Any:
        if self._control.asking or self._session.verdict:
            return None
        return self._session.counts()

    def _still(self, counts: Any) -> None:
        self._control.tell(still=counts)


def said(error: BaseException) -> str:
    """The last line of an error's traceback, and what was noted on it."""
    lines = [line.strip() for line in traceback.format_exception_only(type(error), error)]
    notes = [str(note) for note in getattr(error, "__notes__", ())]
    name = type(error).__qualname__
    last = next((line for line in reversed(lines) if line.partition(":")[0].endswith(name)), lines[-1])
    return " ".join([last, *notes])


def run_program(path: str, verdict: Any) -> Outcome:
    """Run the file as Python would run it as a script; says how it ended."""
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=path, __builtins__=__builtins__, __cached__=None)
    sys.modules["__main__"] = main
    try:
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
        exec(code, main.__dict__)  # noqa: S102 - it is what this process is for
    except verdict as ended:
        return {"exit": ended.code, "reason": ended.reason, "peer": ended.peer}
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            code_ = (ended.code or 0) & 0xFF
            return {"exit": code_, "reason": f"it exited with code {code_}" if code_ else "", "peer": None}
        print(ended.code, file=sys.stderr)
        return {"exit": 1, "reason": str(ended.code)[:1000], "peer": None}
    except BaseException as error:
        trace = error.__traceback__
        while trace and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return {"exit": 1, "reason": said(error)[:1000], "peer": None}
    return {"exit": 0, "reason": "", "peer": None}


def connect(control: Control, config: "dict[str, Any]", before: "dict[str, Any] | None") -> "tuple[Any, Any]":
    """Let every event loop here connect the session's parties: the session, and the class of verdicts.

    `before` is the state of a program that this one has replaced.
    """
    loops = load("huddle_runner_loop", config["loop"])
    frames = load("huddle_frames", config["frames"])
    replacing = load("huddle_runner_exec", config["exec"])
    os.set_inheritable(config["lane_fd"], False)
    lane = load("huddle_runner_mux", config["lane"]).SupervisorMux(
        frames, socket.socket(fileno=config["lane_fd"])
    )
    session = loops.PeerConnections(frames, config["pid"], config["max_queue"])
    session.attach({pid: name for pid, name in enumerate(config["names"]) if pid != config["pid"]}, lane)
    if before:
        replacing.restore(before, session, lane)
    equip = load("huddle_runner_equip", config["equip"]).equip
    for loop_type in loop_classes():
        equip(loop_type, session, loops.PORT)
    watch = load("huddle_runner_standstill", config["standstill"])
    standstill = StandstillReporter(control, session, watch, {**config, "verdict": loops.ProgramAborted})
    control.watch(standstill.stuck)
    standstill.start()
    replacing.watch_exec(config, control, session, lane)
    return session, loops.ProgramAborted


def resume() -> None:
    """Go on in the place of a runner whose program has replaced itself; how it ends its exit code says."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "exec.py")
    taken = load("huddle_runner_exec", path).taken_over()
    if taken is None:
        return
    control_fd, lane_fd, state = taken
    control = Control(control_fd)
    control.tell(replaced=False)
    die_with_parent()
    announced = set_streams(control)
    session, _ = connect(control, {**state["config"], "lane_fd": lane_fd}, state)
    announced.send_first = session.flush
    process = os.getpid()

    def finish() -> None:
        if os.getpid() == process:
            session.finish(well=not session.verdict)

    atexit.register(finish)


def main() -> int:
    """Set the scene, run the program, and say how it ended, after all that it left to `atexit`."""
    control = Control(int(sys.argv[1]))
    config = control.read_config()
    if "settle" in config:
        load("huddle_runner_settle", config["settle"]).settle(config)
    die_with_parent()
    set_environment()
    os.environ.update(config["environment"])
    announced = set_streams(control)
    set_arguments(config)
    os.chdir(os.path.join(config["directory"], config["workdir"]))
    sys.path.insert(0, os.path.dirname(os.path.join(config["directory"], config["entry"])))

    session, verdict = connect(control, config, None)
    announced.send_first = session.flush

    outcome: Outcome = {}
    process = os.getpid()

    def finish() -> None:
        if os.getpid() != process:
            return  # a child that the program forked
        if session.verdict:
            outcome.update(reason=session.verdict.reason, peer=session.verdict.peer)
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                continue
        session.finish(well=not outcome["exit"] and not session.verdict)
        control.tell(**outcome)

    atexit.register(finish)
    outcome.update(run_program(os.path.join(config["directory"], config["entry"]), verdict))
    return int(outcome["exit"])


if __name__ == "__main__":
    sys.exit(main())
