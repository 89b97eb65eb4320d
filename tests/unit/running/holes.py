"""The holes that are opened in a sandbox, one at a time, to see whether an attempt finds its own.

Attempts are those of tests/programs/attempts.py.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from huddle.running import seccomp

SECRET = "huddle-test-secret"
PRIVILEGED = Path(__file__).with_name("privileged.py")


@dataclass(frozen=True)
class Hole:
    """What is opened, and the attempts that must find it. No other may, but for those `beside`.

    `drop` and `add`: options of bubblewrap's; `shared`: a namespace that is not its own; `before`: words
    between the launcher and bubblewrap; `inner`: words behind the runner's. `calls` are allowed, `rules`
    not applied; `code`: whether the filter checks the architecture. `given`: the runner's limits.
    """

    finds: str
    beside: tuple[str, ...] = ()
    drop: tuple[tuple[str, ...], ...] = ()
    add: tuple[str, ...] = ()
    shared: str = ""
    before: tuple[str, ...] = ()
    inner: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    architecture: bool = True
    filtered: bool = True
    launched: bool = True
    given: tuple[tuple[str, int], ...] = ()


UNFILTERED = (
    *("unknown_calls", "refused_calls", "sockets", "namespaces", "terminal", "foreign_abi"),
    *("setuid_file", "special_file"),
)
REFUSED = tuple(seccomp.numbers("refused")) if not seccomp.problem() else ()
HOLES = {
    "environment passed on": Hole("environment", before=("/usr/bin/env", f"SECRET={SECRET}")),
    "private path as an argument": Hole("command_lines", inner=("{private}",)),
    "processes not unshared": Hole(
        "others",
        shared="--unshare-pid",
        beside=("signals", "environment", "command_lines", "roots", "descriptors", "kernel_files"),
    ),
    "supervisor within reach": Hole(
        "signals",
        shared="--unshare-pid",
        beside=("others", "environment", "command_lines", "roots", "descriptors", "kernel_files"),
    ),
    "a descriptor left open": Hole(
        "descriptors", before=("/bin/sh", "-c", 'exec 9</etc/passwd; exec "$@"', "sh")
    ),
    "the private directory mounted": Hole(
        "roots", add=("--ro-bind", "{private}", "{private}"), beside=("path_socket",)
    ),
    "a private library in bubblewrap": Hole(
        "mappings", before=("/usr/bin/env", "LD_PRELOAD={private}/libm.so"), beside=("environment",)
    ),
    "a sysctl that can be written": Hole(
        "kernel_files", add=("--bind", "{file}", "/proc/sys/kernel/core_pattern")
    ),
    "proc not read-only": Hole("kernel_files", drop=(("--remount-ro", "/proc"),), beside=("writing",)),
    "proc's files not hidden": Hole(
        "kernel_secrets",
        drop=tuple(
            ("--ro-bind", "/dev/null", f"/proc/{name}") for name in ("interrupts", "partitions", "cmdline")
        ),
    ),
    "the person's keyring": Hole(
        "keyring", calls=("request_key",), launched=False, beside=("refused_calls", "importance")
    ),
    "the calls for keys": Hole("refused_calls", calls=("request_key", "keyctl", "add_key")),
    "all families of sockets": Hole("sockets", rules=("socket",)),
    "all calls allowed": Hole("refused_calls", calls=REFUSED, beside=("special_file",)),
    "no filter": Hole("unknown_calls", filtered=False, beside=UNFILTERED),
    "privileges by exec": Hole(
        "new_privileges", filtered=False, before=(sys.executable, str(PRIVILEGED)), beside=UNFILTERED
    ),
    "clone with all flags": Hole("namespaces", rules=("clone",)),
    "all requests to terminals": Hole("terminal", rules=("ioctl",)),
    "any architecture": Hole("foreign_abi", architecture=False),
    "modes with setuid": Hole("setuid_file", rules=("open", "openat", "chmod", "fchmodat", "fchmod")),
    "files of any kind": Hole("special_file", calls=("mknod", "mknodat"), beside=("refused_calls",)),
    "a mount with devices": Hole("mounts", add=("--dev-bind", "{file}", "/tmp/devices")),
    "bubblewrap's own tmpfs": Hole(
        "writing", drop=(("--remount-ro", "/"), ("--remount-ro", "/dev")), beside=("devices",)
    ),
    "the program's files not read-only": Hole(
        "opening_up", add=("--bind", "{directory}", "/program"), beside=("writing",)
    ),
    "one device more": Hole(
        "devices",
        drop=(("--remount-ro", "/dev"), ("--remount-ro", "/")),
        add=("--dev-bind", "/dev/null", "/dev/more"),
        beside=("writing",),
    ),
    "network not unshared": Hole("network", shared="--unshare-net", beside=("abstract_socket",)),
    "abstract sockets within reach": Hole("abstract_socket", shared="--unshare-net", beside=("network",)),
    "a socket mounted": Hole("path_socket", add=("--bind", "{socket}", "{socket}")),
    "shared memory not its own": Hole("shared_memory", add=("--bind", "/dev/shm", "/dev/shm")),
    "the machine's name": Hole("host_name", drop=(("--hostname", "huddle"),)),
    "capabilities": Hole(
        "capabilities", add=("--cap-add", "ALL"), beside=("kernel_files", "others", "setuid_file")
    ),
    "cores": Hole("core", launched=False, given=(("CORE", -2),), beside=("importance",)),
    "not launched": Hole("importance", launched=False),
    "no limit of processes": Hole("many_processes", given=(("NPROC", 500),)),
    "no limit of address space": Hole("much_memory", given=(("AS", 1 << 40),)),
    "no limit of descriptors": Hole("many_descriptors", given=(("NOFILE", 512),)),
    "no limit of a file": Hole("large_file", given=(("FSIZE", 1 << 40),)),
}
# The kernel does not count root's processes; no program runs as root but here (tests/e2e/test_root.py).
OF_ROOT = ("many_processes",)
