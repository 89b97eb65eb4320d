"""The Python interpreter that a person names for their programs: what it is and what it has.

It need not have Huddle, only MPyC; it is asked in a process of its own.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from huddle.errors import LocalError

PROBE_SECONDS = 20  # a cold start from a slow disk, with all of numpy's files to look for

# Every party waits for it, so it imports little: importlib.metadata, and MPyC, would take most of its time.
_PROBE = """
import importlib.util, json, os, sys
def keep_bytecode(name):
    import compileall, re  # takes long, and not all need it
    spec = importlib.util.find_spec(name)
    folder = os.path.dirname(spec.origin or "") if spec else ""
    if folder and os.access(folder, os.W_OK):
        compileall.compile_dir(folder, quiet=2, rx=re.compile(r"[/\\\\]tests?[/\\\\]"))
installed = [entry for folder in filter(os.path.isdir, sys.path[1:]) for entry in os.listdir(folder)]
def version(name):
    if importlib.util.find_spec(name) is None:
        return None
    for entry in installed:  # NAME-VERSION.dist-info, by the specification of installed projects
        if entry.startswith(name + "-") and entry.endswith(".dist-info"):
            return entry[len(name) + 1 : -len(".dist-info")]
    from importlib import metadata  # it was installed in an older way
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "unknown"
mpyc = version("mpyc")
if mpyc is None or mpyc == "unknown":
    from mpyc import __version__ as mpyc
if "--keep-bytecode" in sys.argv:
    keep_bytecode("mpyc")
    keep_bytecode("numpy")
print("\\n" + json.dumps({
    "executable": sys.executable, "prefixes": [sys.prefix, sys.base_prefix], "paths": sys.path[1:],
    "python": sys.version.split()[0], "mpyc": mpyc, "numpy": version("numpy"),
    "gmpy2": version("gmpy2"), "uvloop": version("uvloop"), "bits": 64 if sys.maxsize > 2**32 else 32}))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter with MPyC. Versions are None where the package is not there.

    `prefixes` and `paths` are the directories from which it loads modules (a sandbox needs them).
    """

    executable: str
    prefixes: tuple[str, ...]
    paths: tuple[str, ...]
    python: str
    mpyc: str
    numpy: str | None
    gmpy2: str | None
    uvloop: str | None
    bits: int


def environment() -> dict[str, str]:
    """This process's own environment without what changes how Python, MPyC or Huddle behave."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "MPYC_", "HUDDLE_"))
    }


async def probe(interpreter: str) -> Interpreter:
    """Ask that interpreter, a path or a command's name; raises LocalError if it can't run MPyC programs.

    What it compiles of MPyC and numpy is kept, once: in the sandbox no program can, and would take seconds.
    """
    path = shutil.which(interpreter)
    if path is None:
        raise LocalError(f"there is no Python interpreter {interpreter}", hint="give its path with --python")
    process = await asyncio.create_subprocess_exec(
        path,
        "-c",
        _PROBE,
        "--no-log",
        *(() if sys.dont_write_bytecode else ("--keep-bytecode",)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            out, err = await process.communicate()
    except TimeoutError:
        raise LocalError(f"{path} did not answer within {PROBE_SECONDS} seconds") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = err.decode(errors="replace").strip().splitlines() or ["no message"]
        if "No module named 'mpyc'" in lines[-1]:
            raise LocalError(
                f"{path} does not have MPyC", hint=f"install it with: {path} -m pip install mpyc"
            )
        raise LocalError(f"{path} cannot run MPyC programs: {lines[-1]}")
    try:
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
        lists = {name: tuple(found[name]) for name in ("prefixes", "paths")}
        return Interpreter(**{**found, **lists, "executable": path})
    except (ValueError, IndexError, KeyError, TypeError):
        raise LocalError(f"{path} is not a Python interpreter") from None
