"""Commands of a user who has no rights: nobody, who may open /dev/net/tun as most distributions have it.

What the tests run may lie where only root comes, such as a home: in a mount namespace of its own each of
these places is put in its place again, in a directory that everybody may enter. Nothing outside is changed.
"""

import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOBODY = 65534


def prefix(*more: Path) -> list[str]:
    """What stands before a command; `more` are files or directories that it needs."""
    needed = {Path(sys.base_prefix), ROOT, *more}
    lines = ["set -e", "hold=$(mktemp -d)", "mount -t tmpfs -o mode=755 none $hold"]
    closed: dict[Path, list[Path]] = {}
    for path in sorted(needed):
        if (first := _closed(path)) is not None:
            closed.setdefault(first, []).append(path)
    for number, path in enumerate(path for paths in closed.values() for path in paths):
        lines += [f"mkdir $hold/{number}", f"mount --bind {shlex.quote(str(path))} $hold/{number}"]
    number = 0
    for first, paths in closed.items():
        lines.append(f"mount -t tmpfs -o mode=755 none {shlex.quote(str(first))}")
        for path in paths:
            quoted = shlex.quote(str(path))
            lines += [f"mkdir -p {quoted}", f"mount --bind $hold/{number} {quoted}"]
            number += 1
    lines += [
        "mount -t tmpfs -o mode=755 none /dev/net",
        "mknod -m 666 /dev/net/tun c 10 200",
        f'exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups -- "$@"',
    ]
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", "\n".join(lines), "sh"]


def _closed(path: Path) -> Path | None:
    """The first directory on the way there that not everybody may enter."""
    for parent in reversed(path.parents):
        if not parent.stat().st_mode & 1:
            return parent
    return None
