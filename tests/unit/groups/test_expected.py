"""A list lets nobody in by looks: who is almost on it, or on it with another key, is not expected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.errors import LocalError
from huddle.groups.expected import Expected, ExpectedPeople
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto

DIDS = [Identity.from_seed(NativeCrypto(), bytes([n]) * 32).did for n in range(3)]
LIST = ExpectedPeople((Expected("Ada"), Expected("Bob Ross"), Expected("Cyd", DIDS[0])))


def test_names_dids_comments_and_blank_lines_are_read() -> None:
    text = f"\ufeffAda\n\n  # the second row\nBob Ross  \nCyd\t{DIDS[0]}\n"
    assert ExpectedPeople.read(text) == LIST


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "0 names"),
        ("# nobody", "0 names"),
        ("Ada\nAda", "Line 2"),
        ("Alice\nAIice", "Line 2"),
        ("Ada\nB\x1bob", "Line 2"),
        ("Ada did:key:zabc", "Line 1"),
        (DIDS[0], "Line 1"),
        ("\n".join(f"Guest number {n}" for n in range(300)), "300 names"),
    ],
    ids=str.upper,  # no did in lower case, which would be taken for one that is new in each process
)
def test_a_wrong_list_says_where(text: str, says: str) -> None:
    with pytest.raises(LocalError, match=says):
        ExpectedPeople.read(text)


@pytest.mark.parametrize("name", ["Ada", "ada", "BOB ROSS", "Bob  Ross"])
def test_who_is_on_the_list_is_expected_however_they_write_their_name(name: str) -> None:
    assert LIST.problem(name, DIDS[1]) == ""


@pytest.mark.parametrize(
    ("name", "did", "says"),
    [
        ("Eve", DIDS[1], "is not on your list"),
        ("Adа", DIDS[1], "looks like Ada"),  # a Cyrillic letter at its end
        ("B0b Ross", DIDS[1], "looks like Bob Ross"),
        ("Ａda", DIDS[1], "looks like Ada"),
        ("BobRoss", DIDS[1], "looks like Bob Ross"),
        ("Cyd", DIDS[1], "with another key"),
    ],
    ids=str.upper,  # no did in lower case, which would be taken for one that is new in each process
)
def test_who_only_seems_to_be_on_it_is_not_and_it_is_said_why(name: str, did: str, says: str) -> None:
    assert says in LIST.problem(name, did)


def test_a_name_that_two_people_use_is_not_expected() -> None:
    assert "Two people" in LIST.problem("Ada", DIDS[1], [("ada", DIDS[2])])
    assert (
        LIST.problem("Ada", DIDS[1], [("Adа", DIDS[2])]) == ""
    )  # who only looks like Ada takes nothing from her
    assert LIST.problem("Cyd", DIDS[0], [("Cyd", DIDS[2])]) == ""  # whose key stands on the list is known
    assert LIST.problem("Ada", DIDS[1], [("Ada", DIDS[1]), ("Bob Ross", DIDS[2])]) == ""  # who comes back


def test_who_is_missing_is_known_in_the_lists_order() -> None:
    assert LIST.missing([("bob ross", DIDS[1])]) == ("Ada", "Cyd")
    assert LIST.missing([("Cyd", DIDS[1]), ("Ada", DIDS[2])]) == ("Bob Ross", "Cyd")
    assert LIST.missing([("Cyd", DIDS[0]), ("Ada", DIDS[2])]) == ("Bob Ross",)


def test_the_place_of_a_name_is_that_in_the_list_and_strangers_come_last() -> None:
    assert sorted(["Eve", "cyd", "Bob Ross", "ADA"], key=LIST.rank) == ["ADA", "Bob Ross", "cyd", "Eve"]


@given(st.text(max_size=80))
def test_any_text_is_a_list_or_a_local_error(text: str) -> None:
    try:
        people = ExpectedPeople.read(text)
    except LocalError:
        return
    assert people.missing([]) == people.names
