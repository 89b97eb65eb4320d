"""Whom root becomes: who typed sudo, or nobody; and what that account sees then."""

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from huddle.errors import LocalError
from huddle.running import account

NOBODY = pwd.getpwnam("nobody")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if root had started this, by itself."""
    monkeypatch.setattr(account, "is_root", lambda: True)
    for name in ("SUDO_UID", "SUDO_GID", "SUDO_USER", "DOAS_USER"):
        monkeypatch.delenv(name, raising=False)


def test_who_is_not_root_stays_who_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "is_root", lambda: False)
    assert account.to_become() is None


@pytest.mark.parametrize("how", [{"SUDO_UID": str(NOBODY.pw_uid)}, {"DOAS_USER": "nobody"}])
def test_root_becomes_who_typed_sudo_or_doas(monkeypatch: pytest.MonkeyPatch, how: dict[str, str]) -> None:
    for name, value in how.items():
        monkeypatch.setenv(name, value)
    who = account.to_become()
    assert who is not None
    assert (who.uid, who.gid, who.name, who.home) == (NOBODY.pw_uid, NOBODY.pw_gid, "nobody", NOBODY.pw_dir)
    assert who.groups == tuple(os.getgrouplist("nobody", NOBODY.pw_gid))


@pytest.mark.parametrize("sudo", ["", "0", "-1", "root", "4294967295", "1 2"])
def test_where_nobody_did_it_becomes_nobody(monkeypatch: pytest.MonkeyPatch, sudo: str) -> None:
    monkeypatch.setenv("SUDO_UID", sudo)
    who = account.to_become()
    assert who is not None and who.home is None
    assert who.uid in account.NOBODYS and (who.gid, who.groups) == (who.uid, (who.uid,))
    with pytest.raises(KeyError):
        pwd.getpwuid(who.uid)


def test_a_uid_under_which_something_runs_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "NOBODYS", range(61184, 61187))
    busy: list[Any] = [SimpleNamespace(st_uid=uid) for uid in (0, 61184, 61186)]
    monkeypatch.setattr(account, "_processes", lambda: iter(busy))
    who = account.to_become()
    assert who is not None and who.uid == 61185
    busy.append(SimpleNamespace(st_uid=61185))
    with pytest.raises(LocalError, match="no other uid"):
        account.to_become()


def mapped(monkeypatch: pytest.MonkeyPatch, *rows: tuple[int, int, int]) -> None:
    monkeypatch.setattr(account, "_mappings", lambda: list(rows))


def test_root_of_a_container_with_few_uids_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    mapped(monkeypatch, (0, 0, 1))
    with pytest.raises(LocalError, match="no other uid"):
        account.to_become()


@pytest.mark.parametrize(
    ("rows", "is_root"),
    [
        ([(0, 0, 1 << 32)], True),
        ([(0, 1000, 1)], False),  # unshare --map-root-user: it is uid 1000
        ([(0, 1000, 1), (1, 100000, 65536)], True),  # podman: there are others to become
        ([(0, 0, 1)], True),
    ],
)
def test_root_is_whom_the_kernel_calls_so(
    monkeypatch: pytest.MonkeyPatch, rows: list[tuple[int, int, int]], is_root: bool
) -> None:
    monkeypatch.undo()
    mapped(monkeypatch, *rows)
    for name in ("getuid", "geteuid"):
        monkeypatch.setattr(os, name, lambda: 0)
    assert account.is_root() is is_root


ALONE = """
import json, os, sys
from pathlib import Path
from huddle.running import account

closed, shown = Path(sys.argv[1]), Path(sys.argv[2])
try:
    account.refuse_root()
    print("not refused")
except account.LocalError as error:
    assert "never runs as root" in error.message
who = account.to_become()
seen = [account.can_read(who, closed / "hidden" / "file"), account.can_read(who, shown / "file")]
account.open_up(who, [shown, closed / "nowhere", Path("/usr")])
account.become(who)

def attempt(action):
    try:
        return action()
    except OSError as error:
        return type(error).__name__

print(json.dumps({
    "before": seen,
    "ids": [*os.getresuid(), *os.getresgid()], "groups": os.getgroups(), "uid": who.uid,
    "back": attempt(lambda: os.setuid(0)), "file": (shown / "file").read_text(),
    "listed": os.listdir(closed), "hidden": attempt(lambda: (closed / "hidden" / "file").read_text()),
    "write": attempt(lambda: (shown / "new").write_text("x")),
    "plant": attempt(lambda: (closed / "new").write_text("x")),
    "shadow": attempt(lambda: Path("/etc/shadow").read_text()), "cwd": os.getcwd(),
    "home": os.environ["HOME"], "data": os.environ.get("XDG_DATA_HOME"),
}))
"""


@as_root
def test_it_sees_what_is_needed_and_nothing_beside_it(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    for name in ("shown", "hidden"):
        (closed / name).mkdir(parents=True)
        (closed / name / "file").write_text(name)
    closed.chmod(0o700)
    mounts = Path("/proc/self/mounts").read_text()
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(closed), str(closed / "shown")],
        capture_output=True, text=True, check=False, env=os.environ | {"XDG_DATA_HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    uid = told.pop("uid")
    assert uid in account.NOBODYS
    assert told == {
        "before": [False, False],
        "ids": [uid] * 6,
        "groups": [uid],
        "back": "PermissionError",
        "file": "shown",
        "listed": ["shown"],
        "hidden": "FileNotFoundError",
        "write": "PermissionError",
        "plant": "PermissionError",
        "shadow": "PermissionError",
        "cwd": "/",
        "home": "/nonexistent",
        "data": None,
    }
    assert Path("/proc/self/mounts").read_text() == mounts, "nobody else sees anything of it"


@as_root
def test_where_it_may_not_mount_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "closed" / "inside").mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    (tmp_path.parent).chmod(0o711)

    def forbidden(flags: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "unshare", forbidden)
    who = account.to_become()
    assert who is not None
    account.open_up(who, [Path("/usr/bin")])  # nothing is in the way there
    with pytest.raises(LocalError, match="only root may enter") as caught:
        account.open_up(who, [tmp_path / "closed" / "inside"])
    assert "chmod o+x" in caught.value.hint and "as an ordinary user" in caught.value.hint
    assert os.geteuid() == 0
