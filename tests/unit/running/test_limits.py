"""What a program may take, as its person says it."""

import pytest

from huddle.errors import LocalError
from huddle.running.limits import RunLimits, amount, usual


def test_limits_are_read_as_people_say_them() -> None:
    limits = RunLimits.read(["memory=2G", "processes=64", "files=100M", "open=256", "file=10m"])
    assert limits == RunLimits(64, 2 << 30, 100 << 20, 10 << 20, 256)
    assert RunLimits.read(["memory=1GiB"]).memory == 1 << 30
    assert RunLimits.read([]) == RunLimits()


def test_a_file_may_be_as_large_as_all_together() -> None:
    assert RunLimits.read(["files=64M"]).file == 64 << 20
    assert RunLimits(files=8 << 20).in_force()["FSIZE"] == 8 << 20


@pytest.mark.parametrize(
    "text", ["memory", "memory=", "memory=much", "memory=-1", "memory=1.5G", "speed=3", "=3"]
)
def test_what_is_no_limit_is_refused_with_what_there_is(text: str) -> None:
    with pytest.raises(LocalError) as refused:
        RunLimits.read([text])
    assert text in refused.value.message
    assert "processes=256" in refused.value.hint


@pytest.mark.parametrize("text", ["memory=1M", "processes=1", "open=3", "files=1", "file=1"])
def test_what_no_program_could_start_with_is_refused(text: str) -> None:
    with pytest.raises(LocalError, match="No program can run"):
        RunLimits.read([text])


def test_limits_are_told_as_they_are_read() -> None:
    limits = RunLimits(64, 3 << 30, 100 << 20, 10 << 10, 256)
    assert limits.told() == ("processes=64", "memory=3G", "files=100M", "file=10K", "open=256")
    assert RunLimits.read(limits.told()) == limits
    assert RunLimits().memory % (256 << 20) == 0
    assert RunLimits.read(usual()) == RunLimits()


def test_memory_is_half_of_the_machine_s_unless_said() -> None:
    assert RunLimits().memory >= 1 << 30
    assert RunLimits().in_force()["AS"] > RunLimits().memory


@pytest.mark.parametrize(
    ("release", "limited"),
    [("6.18.44-x", True), ("5.14.0", True), ("5.13.19", False), ("4.19.0-amd64", False), ("strange", False)],
)
def test_processes_are_limited_by_the_kernel_only_where_it_counts_the_sandbox_s_alone(
    monkeypatch: pytest.MonkeyPatch, release: str, limited: bool
) -> None:
    monkeypatch.setattr("platform.release", lambda: release)
    assert ("NPROC" in RunLimits().in_force()) is limited


def test_amounts_are_readable() -> None:
    assert [amount(n) for n in (100, 1536, 512 << 20, 5 << 29)] == [
        "100 bytes",
        "1.5 KiB",
        "512 MiB",
        "2.5 GiB",
    ]
