"""The filter of system calls around a program, as the kernel takes it: seccomp in classic BPF (seccomp(2)).

What is allowed is data: `syscalls.txt` by name, and `RULES` for the calls of which only some arguments are.
Everything else fails as on a kernel that lacks it (ENOSYS), so that libraries fall back, or with EPERM where
a program should hear that it is forbidden. A call by another architecture's numbers (i386 on x86-64) kills
the process; x32's numbers have bit 30 set, and so are among the unknown ones.

Pointers can't be followed by a filter. So calls that hide flags behind one (clone3, openat2) are unknown, and
the C library takes their elders.
"""

import errno
import functools
import platform
import socket
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

_ARCHITECTURES = {
    "x86_64": (0, 0xC000003E),
    "aarch64": (1, 0xC00000B7),
}  # column, AUDIT_ARCH_* (linux/audit.h)
_NUMBER, _ARCH, _ARGS = 0, 4, 16  # offsets in struct seccomp_data; arguments have 8 bytes each
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000  # SECCOMP_RET_* (linux/seccomp.h)
# BPF_LD|BPF_W|BPF_ABS, BPF_JMP|{BPF_JEQ,BPF_JGT,BPF_JGE,BPF_JSET}|BPF_K, BPF_RET|BPF_K (linux/filter.h)
_LD, _JEQ, _JGT, _JGE, _JSET, _RET = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06

_NAMESPACES = 0x7E020000  # CLONE_NEW*; that of time is clone3's alone (linux/sched.h)
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C  # they type into the terminal (asm-generic/ioctls.h)
_EITHER_ID = stat.S_ISUID | stat.S_ISGID


@dataclass(frozen=True, slots=True)
class Rule:
    """What one argument of a call, its lower 32 bits, must be; else the call fails with `error`.

    One of `only`, none of `never`, and without any of the bits of `bits`.
    """

    argument: int
    error: int
    only: tuple[int, ...] = ()
    never: tuple[int, ...] = ()
    bits: int = 0


def _no_id(argument: int) -> tuple[Rule, ...]:
    """No setuid or setgid: a file of this account that runs as it for whoever comes to it."""
    return (Rule(argument, errno.EPERM, bits=_EITHER_ID),)


RULES: dict[str, tuple[Rule, ...]] = {
    # The sandbox has a network of its own, in which these are all that a program may want. By numbers, since
    # not every Python names them.
    "socket": (
        Rule(0, errno.EAFNOSUPPORT, only=(socket.AF_UNIX, socket.AF_INET, 10)),  # 10: AF_INET6
        Rule(2, errno.EPROTONOSUPPORT, only=(0, 1, 6, 17, 58)),  # the family's own, ICMP, TCP, UDP, ICMPv6
    ),
    "socketpair": (Rule(0, errno.EAFNOSUPPORT, only=(socket.AF_UNIX,)),),
    "ioctl": (Rule(1, errno.EPERM, never=(_TIOCSTI, _TIOCLINUX)),),
    "clone": (Rule(0, errno.EPERM, bits=_NAMESPACES),),
    "open": _no_id(2),
    "openat": _no_id(3),
    "creat": _no_id(1),
    "chmod": _no_id(1),
    "fchmod": _no_id(1),
    "fchmodat": _no_id(2),
}


def problem(machine: str = "") -> str:
    """Why there is no filter for this architecture (default: this machine's); empty where there is one."""
    machine = machine or platform.machine()
    return "" if machine in _ARCHITECTURES else f"there is no filter of system calls for {machine}"


@functools.cache
def numbers(kind: str, machine: str = "") -> dict[str, int]:
    """The calls of this kind (allowed, refused) on this architecture (default: this machine's)."""
    column = _ARCHITECTURES[machine or platform.machine()][0]
    found: dict[str, int] = {}
    section = ""
    for line in resources.files(__package__).joinpath("syscalls.txt").read_text("ascii").splitlines():
        match line.split("#")[0].split():
            case [heading] if heading.startswith("["):
                section = heading.strip("[]")
            case [name, *columns] if section == kind and columns[column] != "-":
                found[name] = int(columns[column])
    return found


@functools.cache
def program(machine: str = "") -> bytes:
    """The filter for this architecture (default: this machine's): `struct sock_filter`s in a row."""
    machine = machine or platform.machine()
    allowed, refused = numbers("allowed", machine), numbers("refused", machine)
    freely = [number for name, number in allowed.items() if name not in RULES]
    code = [
        (_LD, 0, 0, _ARCH),
        (_JEQ, 1, 0, _ARCHITECTURES[machine][1]),
        (_RET, 0, 0, _KILL),
        (_LD, 0, 0, _NUMBER),
        *_ranges(freely, _ALLOW),  # first, since these are the many
    ]
    for name, rules in RULES.items():
        if name in allowed:
            block = [step for rule in rules for step in _checked(rule)]
            code += [(_JEQ, 0, len(block) + 1, allowed[name]), *block, (_RET, 0, 0, _ALLOW)]
    code += [*_ranges(list(refused.values()), _ERRNO | errno.EPERM), (_RET, 0, 0, _ERRNO | errno.ENOSYS)]
    return b"".join(struct.pack("<HBBI", *step) for step in code)


def _ranges(numbers: list[int], verdict: int) -> Iterator[tuple[int, int, int, int]]:
    """This verdict on these numbers, the next step for all others."""
    wanted = sorted(numbers)
    while wanted:
        first = last = wanted.pop(0)
        while wanted and wanted[0] == last + 1:
            last = wanted.pop(0)
        yield from ((_JGE, 0, 2, first), (_JGT, 1, 0, last), (_RET, 0, 0, verdict))


def _checked(rule: Rule) -> Iterator[tuple[int, int, int, int]]:
    """The next step where the argument is as it must be, else the error."""
    refuse = (_RET, 0, 0, _ERRNO | rule.error)
    yield (_LD, 0, 0, _ARGS + 8 * rule.argument)
    for left, value in zip(range(len(rule.only), 0, -1), rule.only, strict=True):
        yield (_JEQ, left, 0, value)
    if rule.only:
        yield refuse
    for value in rule.never:
        yield from ((_JEQ, 0, 1, value), refuse)
    if rule.bits:
        yield from ((_JSET, 0, 1, rule.bits), refuse)
