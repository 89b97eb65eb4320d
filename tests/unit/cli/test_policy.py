"""What is decided without asking: never that a stranger comes in or a stranger's program runs."""

import pytest

from huddle.cli.policy import GuestPolicy, HostPolicy
from huddle.errors import LocalError

STANDINGS = ("new", "known", "verified", "alarm")


@pytest.mark.parametrize(
    ("policy", "verdicts"),
    [
        (HostPolicy(), (None, None, None, None)),
        (HostPolicy(yes=True), (False, True, True, False)),
        (HostPolicy(open=True), (True, True, True, False)),
        (HostPolicy(yes=True, open=True), (True, True, True, False)),
        (HostPolicy(allow=frozenset({"other"})), (None, None, None, None)),
        (HostPolicy(yes=True, allow=frozenset({"other"})), (False, True, True, False)),
        (HostPolicy(allow=frozenset({"did"})), (True, True, True, True)),
        (HostPolicy(called=frozenset({"did"})), (True, True, True, True)),
        (HostPolicy(called=frozenset({"other"})), (None, None, None, None)),
        (HostPolicy(yes=True, called=frozenset({"other"})), (False, False, False, False)),
    ],
)
def test_whom_the_host_lets_in(policy: HostPolicy, verdicts: tuple[bool | None, ...]) -> None:
    assert tuple(policy.admit("did", standing) for standing in STANDINGS) == verdicts


def test_the_host_starts_unasked_only_where_it_said_so() -> None:
    assert [HostPolicy().accept(), HostPolicy(yes=True).accept(), HostPolicy(open=True).accept()] == [
        None, True, True,
    ]  # fmt: skip
    assert HostPolicy(allow=frozenset({"did"})).accept() is None


def test_a_guest_is_asked_unless_it_said_yes() -> None:
    for standing in STANDINGS:
        assert GuestPolicy(pinned=True).accept(standing, same=True) is None


@pytest.mark.parametrize("standing", STANDINGS)
@pytest.mark.parametrize("pinned", [False, True])
@pytest.mark.parametrize("same", [False, True])
def test_yes_needs_a_verified_host_or_the_pinned_program(standing: str, pinned: bool, same: bool) -> None:
    policy = GuestPolicy(yes=True, pinned=pinned)
    if standing == "verified" or (pinned and same):
        assert policy.accept(standing, same=same) is True
    elif pinned:  # a later run of another program: its person is there to be asked
        assert policy.accept(standing, same=same) is None
    else:
        with pytest.raises(LocalError, match="--yes") as caught:
            policy.accept(standing, same=same)
        assert caught.value.hint
