"""The runner: the process in which a party's MPyC program runs.

    python main.py FD

FD is the control socket, inherited from the supervisor. The supervisor's first line on it is a JSON
object, the configuration:

    frames, loop,     paths of links/frames.py, running/runner/loop.py
    lane              and running/runner/mux.py
    pid, names        this party, and the names of all
    lane_fd           an inherited socket, the lane (see running/mux.py)
    directory, entry  where the program lies (and starts), and its first file there
    args              its arguments; flags: MPyC's own, which come after them
    settle            in a sandbox: the path of running/runner/settle.py, with its own (see there)
    max_queue         end the program when more bytes than this wait for one peer; 0: never

The runner writes JSON objects too, one a line: `{"input": true}` when the program begins to wait for a
line on its standard input and `{"input": false}` when it goes on, and last `{"exit": code, "reason":
text, "peer": pid or null}`. It ends when the supervisor closes the socket.

The program sees what `python ENTRY ARGS` would show it, with MPyC's flags. Nothing of MPyC is changed:
only the event loop that it finds differs. Nothing here may import huddle or anything but the
standard library (and uvloop, where the interpreter has it): it runs in any interpreter that has MPyC.
"""

import sys

if sys.path and sys.path[0] and __file__.startswith(sys.path[0]):
    del sys.path[0]  # the files beside this one are no modules of the program's

import argparse
import asyncio
import atexit
import importlib.util
import io
import json
import logging
import os
import select
import socket
import threading
import traceback
import types
import warnings
from typing import Any

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
        try:
            self._sock.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return

    def watch(self) -> None:
        """End this process as soon as the supervisor is gone, whatever the program does."""
        threading.Thread(target=self._watch, name="huddle watchdog", daemon=True).start()

    def _watch(self) -> None:
        try:
            while self._sock.recv(4096):
                pass
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
    """Standard input that tells the supervisor while the program waits for it."""

    def __init__(self, fd: int, control: Control) -> None:
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
            self._control.tell(input=True)
        try:
            data = os.read(self._fd, len(buffer))
        finally:
            if waiting:
                self._control.tell(input=False)
        buffer[: len(data)] = data
        return len(data)


def set_streams(control: Control) -> None:
    """UTF-8 everywhere, output by lines, input announced."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    raw = io.BufferedReader(AnnouncedInput(0, control))
    # The old one must not close the descriptor when it goes.
    sys.stdin.detach()  # type: ignore[union-attr]
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(raw, encoding="utf-8", errors="replace")  # type: ignore[misc]


def set_arguments(config: dict[str, Any]) -> None:
    """`python ENTRY ARGS` with MPyC's flags, which must stand before a `--` of the program's own."""
    flags = list(config["flags"])
    for pid in range(len(config["names"])):
        flags += ["-P", f"p{pid}.huddle:{11365 + pid}"]
    flags += ["-I", str(config["pid"])]
    args = list(config["args"])
    end = args.index("--") if "--" in args else len(args)
    sys.argv = [config["entry"], *args[:end], *flags, *args[end:]]


def base_loop() -> Any:
    """The event loop class that MPyC would use: uvloop's where it is there."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--no-uvloop", action="store_true")
    base: Any = asyncio.SelectorEventLoop
    if not parser.parse_known_args(sys.argv[1:])[0].no_uvloop:
        try:
            import uvloop

            base = uvloop.Loop
            # MPyC is told not to install uvloop's policy, and would say that uvloop is not used.
            logging.getLogger().addFilter(lambda record: "package uvloop" not in str(record.msg))
        except ImportError:
            pass
    return base


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
    """Nothing that changes how Python or MPyC work, but that MPyC must keep the loop that it finds."""
    for name in [name for name in os.environ if name.startswith(("MPYC_", "PYTHON"))]:
        del os.environ[name]
    os.environ["MPYC_NOUVLOOP"] = "1"


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
        reason = traceback.format_exception_only(type(error), error)[-1].strip()
        return {"exit": 1, "reason": reason[:1000], "peer": None}
    return {"exit": 0, "reason": "", "peer": None}


def main() -> int:
    """Set the scene, run the program, and say how it ended, after all that it left to `atexit`."""
    control = Control(int(sys.argv[1]))
    config = control.read_config()
    if "settle" in config:
        load("huddle_runner_settle", config["settle"]).settle(config)
    die_with_parent()
    control.watch()
    set_environment()
    set_streams(control)
    set_arguments(config)
    os.chdir(config["directory"])
    sys.path.insert(0, config["directory"])

    loops = load("huddle_runner_loop", config["loop"])
    frames = load("huddle_frames", config["frames"])
    os.set_inheritable(config["lane_fd"], False)
    lane = load("huddle_runner_mux", config["lane"]).SupervisorMux(
        frames, socket.socket(fileno=config["lane_fd"])
    )
    session = loops.PeerConnections(frames, config["pid"], config["max_queue"])
    session.attach({pid: name for pid, name in enumerate(config["names"]) if pid != config["pid"]}, lane)
    session.use(install(loops.loop_class(base_loop(), session)))

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
    outcome.update(run_program(os.path.join(config["directory"], config["entry"]), loops.ProgramAborted))
    return int(outcome["exit"])


if __name__ == "__main__":
    sys.exit(main())
