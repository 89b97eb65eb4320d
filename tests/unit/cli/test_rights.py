"""What a session that root starts is given to read."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from huddle.cli import rights
from huddle.running import account as accounts
from huddle.running.account import Account
from tests.netlab.unprivileged import prefix

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has files that others can't read")

SOMEBODY = Account(61200, 61200, (61200,), "root", None)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory that everybody may enter."""
    path = Path(tempfile.mkdtemp(prefix="huddle-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def test_what_others_can_read_is_not_copied(folder: Path) -> None:
    for name in ("file", "directory/inner"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("open")
    for path in (folder / "file", folder / "directory"):
        assert rights._readable(SOMEBODY, path, folder) == path


@pytest.mark.parametrize("closed", ["mine", "mine/inner", "mine/deep"])
def test_of_what_only_root_can_read_there_is_a_copy(folder: Path, closed: str) -> None:
    mine = folder / "mine"
    (mine / "deep").mkdir(parents=True)
    for name in ("inner", "deep/innermost"):
        (mine / name).write_text(name)
    (mine / "link").symlink_to("/etc/shadow")
    (folder / closed).chmod(0o700 if (folder / closed).is_dir() else 0o600)
    copy = rights._readable(SOMEBODY, mine, folder)
    assert copy != mine and copy.name == "mine"
    os.chown(folder, SOMEBODY.uid, SOMEBODY.gid)
    with accounts.seen_by(SOMEBODY):
        assert (copy / "inner").read_text() == "inner"
        assert (copy / "deep" / "innermost").read_text() == "deep/innermost"
        with pytest.raises(PermissionError):
            (copy / "link").read_text()
    assert os.readlink(copy / "link") == "/etc/shadow"
    shadow = os.stat("/etc/shadow")
    assert shadow.st_uid == 0, "no link is followed"


HARDENED = """
import os, resource
from huddle.cli import rights
before = os.stat("/proc/self/environ").st_uid
rights._harden()
print(before == os.getuid(), os.stat("/proc/self/environ").st_uid, resource.getrlimit(resource.RLIMIT_CORE))
"""


def test_an_ordinary_account_s_other_processes_can_t_look_into_it() -> None:
    """Of a process that may be traced these files are its own; of another one they are root's."""
    done = subprocess.run(
        [*prefix(), sys.executable, "-c", HARDENED], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "True 0 (0, 0)\n"
