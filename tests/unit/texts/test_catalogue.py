"""The reader of .po files, and texts that are found again with their values in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.texts.catalogue import Catalogue, parse, pattern

PO = """
# a comment
msgid ""
msgstr "Language: de\\n"

#: view.py:1
msgid "{name} left: {reason}."
msgstr ""
"{name} ging: "
"{reason}."

msgid "it did not answer in time"
msgstr "es kam \\"keine\\" Antwort"

#, fuzzy
msgid "not sure"
msgstr "unsicher"

msgid "empty"
msgstr ""

msgid "{count} file"
msgid_plural "{count} files"
msgstr[0] "{count} Datei"
msgstr[1] "{count} Dateien"
"""


def test_entries_are_read_and_what_is_fuzzy_or_empty_stays_english() -> None:
    found = parse(PO)
    assert found.text("it did not answer in time") == 'es kam "keine" Antwort'
    assert found.text("not sure") == "not sure" and found.text("empty") == "empty"
    assert [found.plural("{count} file", "{count} files", n) for n in (0, 1, 2)] == [
        "{count} Dateien",
        "{count} Datei",
        "{count} Dateien",
    ]
    assert found.plural("{n} cat", "{n} cats", 1) == "{n} cat"


def test_a_text_is_found_with_its_values_and_a_known_value_is_translated_too() -> None:
    found = parse(PO)
    assert found.recognized("Bob left: it did not answer in time.") == 'Bob ging: es kam "keine" Antwort.'
    assert found.recognized("Bob left: Bob left: so.") == "Bob ging: Bob left: so."  # no text of its own
    assert found.recognized("Bob went away.") == "Bob went away."


def test_sentences_and_what_stands_behind_a_colon_are_known_each() -> None:
    found = Catalogue({"{name} has left the room.": "{name} ging.", "It is tried again.": "Noch einmal."})
    assert found.recognized("Bob has left the room. It is tried again.") == "Bob ging. Noch einmal."
    assert found.recognized("Bob has left the room. So be it.") == "Bob ging. So be it."
    assert found.recognized("So be it. It is tried again.") == "So be it. It is tried again."
    found = Catalogue({"{name} left the session": "{name} ging", "no answer": "keine Antwort"})
    assert found.recognized("Bob left the session: no answer") == "Bob ging: keine Antwort"


def test_a_place_for_a_number_fits_numbers_alone() -> None:
    found = Catalogue({"{count} more.": "{count} weitere."})
    assert found.recognized("1,200 more.") == "1,200 weitere."
    assert found.recognized("Its own output says more.") == "Its own output says more."


def test_a_few_words_are_not_known_again_in_other_texts() -> None:
    found = Catalogue({"{names} and {last}": "{names} und {last}"})
    assert found.recognized("It fell and broke.") == "It fell and broke."
    assert found.text("{names} and {last}") == "{names} und {last}"


def test_of_patterns_that_fit_the_one_with_most_words_of_its_own_counts() -> None:
    found = Catalogue({"{a} x {b}.": "1 {a} {b}", "{name} x by hand.": "2 {name}"})
    assert found.recognized("it x by hand.") == "2 it"


def test_a_strangers_value_with_braces_is_not_filled_in() -> None:
    found = Catalogue({"{name} left {what}.": "{what}, {name}"})
    assert found.recognized("{what} left {name}.") == "{name}, {what}"


@pytest.mark.parametrize("text", ["nonsense", 'msgid "a"\nmsgid "b"', 'msgid "a', 'msgstr[2] "x"'])
def test_what_is_no_catalogue_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


@given(st.text(), st.text(min_size=1))
def test_a_pattern_fits_what_was_made_from_it(text: str, value: str) -> None:
    template = text.replace("{", "").replace("}", "") + "{value}"
    assert pattern(template).fullmatch(template.format(value=value))
