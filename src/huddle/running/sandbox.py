"""The bubblewrap command line around a runner: no network, no home, no other processes, no environment.

The program sees the system's own programs and libraries, its interpreter's directories and its `--input`
files, all read-only, an empty /tmp, and its run directory. What it can reach of the world are the
descriptors that it inherits: its channels, its control socket and its pipes.
"""

import functools
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from huddle.errors import LocalError
from huddle.running.interpreter import Interpreter

# Capabilities are kept where a root user starts it, unless they are dropped.
_BASE = ("--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL")
_STRICTER = ("--unshare-user", "--disable-userns")  # since bubblewrap 0.8, and not where it is setuid
_ETC = ("ld.so.cache", "localtime", "alternatives")
_TRY_SECONDS = 10


@functools.cache
def _tried() -> tuple[tuple[str, ...], str]:
    """The command's beginning, tried out, and why there is none where it is empty."""
    path = shutil.which("bwrap")
    if path is None:
        return (), "bubblewrap (bwrap) is not installed"
    reason = ""
    for options in ((path, *_BASE, *_STRICTER), (path, *_BASE)):
        try:
            done = subprocess.run(
                [*options, *_system(), "--", "/usr/bin/env", "true"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TRY_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return (), f"bubblewrap does not work: {error}"
        if not done.returncode:
            return options, ""
        reason = done.stderr.decode(errors="replace").strip()[:200]
    return (), f"bubblewrap does not work: {reason}"


def problem() -> str:
    """Why there is no sandbox on this machine; empty where there is one. Tried once, really."""
    return _tried()[1]


def command(
    inner: list[str],
    interpreter: Interpreter,
    directory: Path,
    inputs: Iterable[Path] = (),
    files: Iterable[Path] = (),
) -> tuple[list[str], int]:
    """The command that runs `inner` locked in, with `directory` writable and `files` readable at their paths.

    `inputs` are readable in `directory` by their own names. With the command comes a descriptor that it must
    inherit, for its starter to close: the options are read from it, so that no list of processes shows where
    the inputs lie. Raises LocalError where there is no sandbox.
    """
    start, reason = _tried()
    if reason:
        raise LocalError(
            reason, hint="install bubblewrap, or say --no-sandbox: the program can then read your files"
        )
    program, *options = start
    line = [*options, *_system()]
    for path in _needed(interpreter):
        line += ["--ro-bind", path, path]
    for file in files:
        line += ["--ro-bind", str(file), str(file)]
    line += ["--bind", str(directory), str(directory)]
    for file in inputs:
        line += ["--ro-bind", str(file.absolute()), str(directory / file.name)]
    line += ["--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/tmp"]  # noqa: S108 - inside
    line += ["--setenv", "LANG", "C.UTF-8"]
    line += ["--chdir", str(directory)]
    descriptor = os.memfd_create("options")
    os.write(descriptor, b"".join(os.fsencode(option) + b"\0" for option in line))
    os.lseek(descriptor, 0, os.SEEK_SET)
    return [program, "--args", str(descriptor), "--", *inner], descriptor


def _system() -> list[str]:
    line = ["--ro-bind", "/usr", "/usr"]
    for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(name):
            line += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            line += ["--ro-bind", name, name]
    for name in _ETC:
        line += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return [*line, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108 - inside


def _needed(interpreter: Interpreter) -> list[str]:
    """The interpreter's directories outside /usr, and every link on the way to its executable."""
    wanted: list[str] = []
    link = interpreter.executable
    for _ in range(20):
        wanted.append(link)
        if not os.path.islink(link):
            break
        link = os.path.join(os.path.dirname(link), os.readlink(link))
    for path in (*interpreter.prefixes, *interpreter.paths):
        wanted += [path, os.path.realpath(path)]
    home = os.path.realpath(os.path.expanduser("~"))
    chosen: list[str] = []
    for path in sorted({os.path.normpath(path) for path in wanted}, key=len):
        inside = any(path == other or path.startswith(other + "/") for other in ("/usr", *chosen))
        if not inside and os.path.isabs(path) and os.path.exists(path) and not _holds(path, home):
            chosen.append(path)
    return chosen


def _holds(path: str, home: str) -> bool:
    """Whether showing this directory would show the whole home."""
    return os.path.commonpath((os.path.realpath(path), home)) == os.path.realpath(path)
