"""The system of a fresh machine: the smallest Debian, made once by debootstrap and kept in the cache."""

import os
import shutil
import subprocess
from pathlib import Path

from huddle.errors import LocalError

RELEASE = "bookworm"
_INCLUDED = "ca-certificates,iproute2,openssl"


def fresh_debian() -> Path:
    """Its root; making it takes some minutes. LocalError where it can't be made."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huddle-dev"
    root = cache / f"fresh-{RELEASE}"
    if root.exists():
        return root
    if shutil.which("debootstrap") is None:
        raise LocalError("A fresh Debian needs debootstrap.", hint="Install it, or give --base /.")
    unfinished = root.with_suffix(".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    command = [
        "debootstrap",
        "--variant=minbase",
        f"--include={_INCLUDED}",
        RELEASE,
        str(unfinished),
        *_mirror(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalError(f"debootstrap failed: {done.stdout[-300:]}")
    unfinished.rename(root)
    return root


def _mirror() -> list[str]:
    """Where this computer's own packages come from."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return [url for url in said if "security" not in url][:1]
