"""The filter of system calls, by an interpreter of BPF: what passes and what not, on both architectures."""

import errno
import functools
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.running import seccomp

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
I386, ARM = 0x40000003, 0x40000028
ALLOW, KILL = "allow", "kill"
ACTIONS = {0x7FFF0000: ALLOW, 0x80000000: KILL}
HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")


@functools.cache
def steps(machine: str) -> list[tuple[int, int, int, int]]:
    return list(struct.iter_unpack("<HBBI", seccomp.program(machine)))


def judge(machine: str, number: int, *args: int, arch: int | None = None) -> str | int:
    """What the kernel would do with this call: allow, kill, or the number of an error."""
    code = steps(machine)
    data = struct.pack(
        "<iIQ6Q",
        number - (1 << 32) if number >= 1 << 31 else number,
        ARCHITECTURES[machine] if arch is None else arch,
        0,
        *[arg & (1 << 64) - 1 for arg in (*args, *[0] * (6 - len(args)))],
    )
    accumulator = at = 0
    while True:
        operation, if_true, if_false, k = code[at]
        at += 1
        match operation:
            case 0x20:
                assert k % 4 == 0
                (accumulator,) = struct.unpack_from("<I", data, k)
            case 0x15:
                at += if_true if accumulator == k else if_false
            case 0x25:
                at += if_true if accumulator > k else if_false
            case 0x35:
                at += if_true if accumulator >= k else if_false
            case 0x45:
                at += if_true if accumulator & k else if_false
            case 0x06:
                return ACTIONS.get(k) or (k & 0xFFFF if k >> 16 == 5 else f"return {k:#x}")
            case _:
                raise AssertionError(f"no such operation: {operation:#x}")


def call(machine: str, name: str, *args: int) -> str | int:
    known = seccomp.numbers("allowed", machine) | seccomp.numbers("refused", machine)
    return judge(machine, known[name], *args)


each = pytest.mark.parametrize("machine", list(ARCHITECTURES))


@each
def test_what_programs_need_is_allowed(machine: str) -> None:
    for name in ("read", "write", "mmap", "futex", "execve", "wait4", "sendmsg", "epoll_ctl", "exit_group"):
        assert call(machine, name) == ALLOW
    for name in set(seccomp.numbers("allowed", machine)) - set(seccomp.RULES):
        assert call(machine, name, *[0xFFFFFFFFFFFFFFFF] * 6) == ALLOW, name


@each
def test_what_is_refused_is_refused_with_a_word(machine: str) -> None:
    for name in (
        "keyctl",
        "bpf",
        "io_uring_setup",
        "ptrace",
        "unshare",
        "mount",
        "userfaultfd",
        "personality",
    ):
        assert call(machine, name) == errno.EPERM
    for name in seccomp.numbers("refused", machine):
        assert call(machine, name) == errno.EPERM, name


@each
@given(number=st.integers(0, 0xFFFFFFFF) | st.integers(0, 1000))
def test_nothing_is_allowed_that_stands_nowhere(machine: str, number: int) -> None:
    known = {*seccomp.numbers("allowed", machine).values(), *seccomp.numbers("refused", machine).values()}
    if number not in known:
        assert judge(machine, number) == errno.ENOSYS


@each
def test_every_small_number_is_judged_as_the_table_says(machine: str) -> None:
    allowed, refused = seccomp.numbers("allowed", machine), seccomp.numbers("refused", machine)
    assert not set(allowed.values()) & set(refused.values())
    assert len(set(allowed.values())) == len(allowed)
    freely = {number for name, number in allowed.items() if name not in seccomp.RULES}
    for number in range(1000):
        if number in freely:
            assert judge(machine, number) == ALLOW
        elif number not in allowed.values():
            assert judge(machine, number) == (errno.EPERM if number in refused.values() else errno.ENOSYS)


@each
def test_the_calls_that_hide_their_flags_are_unknown(machine: str) -> None:
    clone3, openat2 = 435, 437  # of both architectures
    assert judge(machine, clone3) == judge(machine, openat2) == errno.ENOSYS


@each
def test_foreign_architectures_are_killed(machine: str) -> None:
    others = {*ARCHITECTURES.values(), I386, ARM, 0} - {ARCHITECTURES[machine]}
    for arch in others:
        assert judge(machine, seccomp.numbers("allowed", machine)["read"], arch=arch) == KILL


@given(number=st.integers(0, 0x3FFFFFFF))
def test_x32_has_no_calls(number: int) -> None:
    assert judge("x86_64", number | 0x40000000) == errno.ENOSYS


@each
@given(family=st.integers(0, 0xFFFFFFFF) | st.integers(0, 60), high=st.integers(0, 0xFFFFFFFF))
def test_only_three_families_of_sockets(machine: str, family: int, high: int) -> None:
    expected = ALLOW if family in (1, 2, 10) else errno.EAFNOSUPPORT
    assert call(machine, "socket", high << 32 | family, 1, 0) == expected
    pair = ALLOW if family == 1 else errno.EAFNOSUPPORT
    assert call(machine, "socketpair", high << 32 | family, 1, 0) == pair


@each
def test_only_plain_protocols(machine: str) -> None:
    for protocol in (0, 6, 17):
        assert call(machine, "socket", 2, 1, protocol) == ALLOW
    for protocol in (33, 132, 136, 262):  # DCCP, SCTP, UDP-Lite, MPTCP
        assert call(machine, "socket", 2, 1, protocol) == errno.EPROTONOSUPPORT


@each
def test_nothing_is_typed_into_a_terminal(machine: str) -> None:
    for request in (0x5412, 0x541C, 0x1234567800005412):  # the kernel looks at 32 bits alone
        assert call(machine, "ioctl", 0, request) == errno.EPERM
    assert call(machine, "ioctl", 0, 0x5413) == ALLOW  # TIOCGWINSZ


@each
@given(flags=st.integers(0, 0xFFFFFFFF))
def test_no_namespaces_by_clone(machine: str, flags: int) -> None:
    new = {0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000}
    made = [flag for flag in new if flags & flag]
    assert call(machine, "clone", flags) == (errno.EPERM if made else ALLOW)


@each
@given(mode=st.integers(0, 0xFFFF))
def test_no_setuid_by_whatever_sets_modes(machine: str, mode: int) -> None:
    expected = errno.EPERM if mode & 0o6000 else ALLOW
    known = seccomp.numbers("allowed", machine)
    places = {"chmod": 1, "fchmod": 1, "fchmodat": 2, "open": 2, "openat": 3, "creat": 1}
    for name, place in places.items():
        if name in known:
            assert call(machine, name, *[0] * place, mode) == expected


def test_where_there_is_no_filter_it_is_said() -> None:
    assert seccomp.problem("riscv64") == "there is no filter of system calls for riscv64"
    assert not seccomp.problem("aarch64")


@pytest.mark.skipif(not HEADER.exists(), reason="needs the headers of Linux")
def test_the_numbers_are_those_of_the_kernel_s_headers() -> None:
    found = re.findall(r"^#define __NR_(\w+) (\d+)$", HEADER.read_text(), re.MULTILINE)
    header = {name: int(number) for name, number in found}
    table = seccomp.numbers("allowed", "x86_64") | seccomp.numbers("refused", "x86_64")
    assert {name: header[name] for name in table if name in header} == {
        name: number for name, number in table.items() if name in header
    }
    assert len(set(table) & set(header)) > 300
