"""What `--yes` and its like decide, and what they leave to the person."""

import pytest

from huddle.cli.policy import GuestPolicy, HostPolicy
from huddle.errors import LocalError


@pytest.mark.parametrize("standing", ["new", "known", "verified", "alarm"])
def test_without_options_the_person_is_asked(standing: str) -> None:
    assert HostPolicy().admit("did:key:z", standing) is None
    assert HostPolicy().accept() is None
    assert GuestPolicy(pinned=True).accept(standing) is None


def test_a_host_that_says_yes_lets_contacts_in_only() -> None:
    assert [HostPolicy(yes=True).admit("a", standing) for standing in ("new", "known", "verified")] == [
        False,
        True,
        True,
    ]
    assert HostPolicy(yes=True, allow=frozenset({"a"})).admit("a", "new") is True


def test_open_lets_strangers_in_but_no_known_name_with_another_key() -> None:
    assert HostPolicy(open=True).admit("a", "new") is True
    assert HostPolicy(open=True).admit("a", "alarm") is False
    assert HostPolicy(yes=True).admit("a", "alarm") is False


@pytest.mark.parametrize("standing", ["new", "known", "alarm"])
def test_yes_alone_runs_no_program_of_a_host_that_is_not_verified(standing: str) -> None:
    with pytest.raises(LocalError, match="verified contact"):
        GuestPolicy(yes=True).accept(standing)
    assert GuestPolicy(yes=True).accept("verified") is True


def test_a_pinned_program_says_nothing_about_another_one_in_a_later_run() -> None:
    policy = GuestPolicy(yes=True, pinned=True)
    assert policy.accept("new") is True
    assert policy.accept("new", same=False) is None
    assert policy.accept("verified", same=False) is True
