"""What the lab installs on a machine elsewhere: Huddle as it is here, and its locked dependencies.

The dependencies are fetched here by uv, for that machine's system and Python, with the hashes of
hosts.txt, and kept in the user's cache: hosts need no registry, no pip and no compiler.
There they go into a virtual environment in the lab's folder.
"""

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import platformdirs

import huddle
import huddle_lab
from huddle.errors import LocalError

LEAST_PYTHON = (3, 12)
_LOCK = Path(__file__).with_name("hosts.txt")  # all of Huddle's dependencies; made by scripts/lock
ENVIRONMENT = "environment"  # the name of the virtual environment in the lab's folder
_GLIBC = (17, 24, 28, 31, 32, 34, 35, 36, 38, 39, 40)  # minor versions of 2 for which uv has a name


def platform_of(machine: dict[str, Any]) -> str:
    """uv's name for a machine, by what its keeper says; LocalError where there is none."""
    architecture = {"amd64": "x86_64", "arm64": "aarch64"}.get(
        machine["architecture"], machine["architecture"]
    )
    if machine["system"] == "Darwin":
        return f"{architecture}-apple-darwin"
    name, version = (*machine["libc"], "", "")[:2]
    if machine["system"] == "Linux" and architecture in ("x86_64", "aarch64"):
        if name != "glibc":
            return f"{architecture}-unknown-linux-musl"
        minor = int(version.split(".")[1])
        if fitting := [one for one in _GLIBC if one <= minor]:
            return f"{architecture}-manylinux_2_{fitting[-1]}"
    raise LocalError(
        f"the lab can't install Huddle on {machine['system']}, {architecture}",
        hint="It can on Linux and macOS, on x86_64 and aarch64.",
    )


def python_of(machine: dict[str, Any]) -> str:
    """Its Python's version as uv wants it; LocalError where it is too old."""
    version = tuple(machine["python"])
    if version < LEAST_PYTHON:
        raise LocalError(
            f"its {machine['executable']} is Python {'.'.join(map(str, version))}",
            hint="Huddle needs 3.12 or newer: install one there, and name it in the hosts file (python = …).",
        )
    return f"{version[0]}.{version[1]}"


def dependencies(platform: str, python: str) -> Path:
    """A tar file with all dependencies as they lie in site-packages; made once, then from the cache."""
    digest = hashlib.sha256(_LOCK.read_bytes()).hexdigest()[:16]
    cache = platformdirs.user_cache_path("huddle") / "lab"
    target = cache / f"{platform}-{python}-{digest}.tar.gz"
    if target.is_file():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="making-", dir=cache))
    try:
        site = scratch / "site"
        command = [
            *_uv(), "pip", "install", "--quiet", "--target", str(site), "--python-platform", platform,
            "--python-version", python, "--require-hashes", "--only-binary", ":all:", "--link-mode", "copy",
            "--python", sys.executable, "-r", str(_LOCK),
        ]  # fmt: skip
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise LocalError(
                f"Huddle's dependencies for {platform}, Python {python} can't be had: {done.stderr.strip()}"
            )
        with tarfile.open(scratch / "made.tar.gz", "w:gz", compresslevel=3) as archive:
            archive.add(site, arcname=".", filter=_plain)
        (scratch / "made.tar.gz").replace(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def itself() -> bytes:
    """A tar file with this Huddle and its lab, as they lie in site-packages."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for package in (huddle, huddle_lab):
            place = Path(str(package.__file__)).resolve().parent
            archive.add(place, arcname=package.__name__, filter=_plain)
    return buffer.getvalue()


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Without compiled files, and without the names of this machine's users."""
    if "__pycache__" in member.name or member.name.endswith(".lock"):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _uv() -> list[str]:
    """uv, of this Python, on PATH, or the one that a checkout brings along."""
    if found := shutil.which("uv"):
        return [found]
    script = Path(__file__).resolve().parents[4] / "scripts" / "uv"
    if script.is_file():
        return [str(script)]
    raise LocalError("installing Huddle on hosts needs uv", hint="Install it: pip install uv")
