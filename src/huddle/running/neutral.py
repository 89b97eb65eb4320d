"""The machine that a program in a sandbox finds: a normal one, of nobody in particular, the same everywhere.

Its account, its names and its home are made up. Nothing of this machine or its person is in them.
"""

from pathlib import Path

import huddle.running

UID = 1000
NAME = "user"
HOME = f"/home/{NAME}"
HOST = "huddle"
_ROOM = "/tmp"  # noqa: S108 - inside
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": HOME,
    "USER": NAME,
    "LOGNAME": NAME,
    "SHELL": "/bin/sh",
    "LANG": "C.UTF-8",
    # Where glibc's malloc comes to by itself once a program has freed 32 MB. Until then it gives blocks of
    # megabytes back to the system each time, and to get their pages anew takes longer than their use.
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
}
_ETC = Path(huddle.running.__file__).with_name("etc")
_FILES = ("passwd", "group", "hosts", "hostname", "nsswitch.conf", "host.conf", "resolv.conf")
# Tables of the system that say nothing about it.
_TABLES = ("services", "protocols", "mime.types", "ssl/certs", "fonts", "ld.so.conf", "ld.so.conf.d")
ACCOUNT = ("--uid", str(UID), "--gid", str(UID))  # bubblewrap's options, with a user namespace only


def options() -> list[str]:
    """Bubblewrap's options for all of this but the account."""
    # All that can be written to is one place of limited size.
    line = ["--hostname", HOST, "--dir", "/home", "--symlink", _ROOM, HOME]
    line += ["--dir", "/var", "--symlink", _ROOM, "/var/tmp"]  # noqa: S108 - inside
    line += ["--dir", "/run", "--symlink", "/run", "/var/run"]
    for name in _FILES:
        line += ["--ro-bind", str(_ETC / name), f"/etc/{name}"]
    for name in _TABLES:
        line += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for name, value in ENVIRONMENT.items():
        line += ["--setenv", name, value]
    return line
