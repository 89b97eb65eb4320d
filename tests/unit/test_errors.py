"""Errors say whose fault they are; what nobody expected becomes one of them and gives nothing away."""

import pytest

from huddle import errors
from huddle.cli.errors import EXIT_CODES
from huddle.errors import HuddleError, LocalError, PeerError, unexpected


def kinds(base: type[HuddleError] = HuddleError) -> list[type[HuddleError]]:
    found = [base]
    for kind in base.__subclasses__():
        found += kinds(kind)
    return [kind for kind in found if kind.__module__ == errors.__name__]


def test_every_owner_has_an_exit_code_of_its_own() -> None:
    assert {kind.whose for kind in kinds()} == set(EXIT_CODES)
    assert len(set(EXIT_CODES.values())) == len(EXIT_CODES) and not {0, 1, 2} & set(EXIT_CODES.values())


def test_the_documented_tree_has_every_kind() -> None:
    for kind in kinds():
        assert kind.__name__ in (errors.__doc__ or "")


def test_an_error_is_its_message() -> None:
    error = PeerError("Bob left.", peer="Bob", hint="Ask Bob.")
    assert (str(error), error.message, error.peer, error.hint) == (
        "Bob left.",
        "Bob left.",
        "Bob",
        "Ask Bob.",
    )


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def test_an_unexpected_exception_says_where_it_was_and_not_what_it_said() -> None:
    bug = raised(KeyError("hunter2"))
    shown = unexpected(bug)
    assert isinstance(shown, LocalError) and shown.__cause__ is bug
    assert "KeyError" in shown.message and "test_errors.py:" in shown.message
    assert "hunter2" not in shown.message + shown.hint and shown.hint


def test_a_machine_that_fails_is_no_bug_of_huddle() -> None:
    shown = unexpected(raised(OSError(28, "No space left on device", "secret.txt")))
    assert "No space left on device" in shown.message and "secret" not in shown.message
    assert "report" not in shown.hint


@pytest.mark.parametrize("error", [LocalError("x"), PeerError("y", peer="Bob")])
def test_an_expected_error_stays_what_it_is(error: HuddleError) -> None:
    assert unexpected(error) is error


def test_an_exception_that_was_never_raised_can_be_shown_too() -> None:
    assert "ValueError." in unexpected(ValueError()).message
