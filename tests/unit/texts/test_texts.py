"""What people read: chosen by their language, complete for every screen, and in one style."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from huddle.cli.terminal import answers
from huddle.texts import LANGUAGES, language, language_of, t, tn, translated
from huddle.texts.catalogue import load
from tests.scripts import script

ROOT = Path(__file__).parents[3]
OTHERS = [one for one in LANGUAGES if one != "en"]


@pytest.fixture(scope="module", name="script")
def texts_script() -> ModuleType:
    return script("texts")


@pytest.fixture
def german(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    language.cache_clear()
    monkeypatch.setenv("HUDDLE_LANG", "de")
    yield
    language.cache_clear()


@pytest.mark.parametrize(
    ("environment", "chosen"),
    [
        ({}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "nl_NL"}, "nl"),
        ({"LC_ALL": "C.UTF-8", "LANG": "de_DE"}, "en"),
        ({"LC_ALL": "C", "HUDDLE_LANG": "nl"}, "nl"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"HUDDLE_LANG": "", "LANG": "de"}, "de"),
    ],
)
def test_the_language_is_that_of_the_environment(environment: dict[str, str], chosen: str) -> None:
    assert language_of(environment) == chosen


def test_texts_numbers_and_errors_in_german(german: None) -> None:
    assert t("{name} accepts.", name="Zoë") == "Zoë nimmt an."
    assert tn("{count} file", "{count} files", 3) == "3 Dateien"
    error = "The rendezvous https://h can't be reached: nothing listens there."
    assert translated(error) == "Der Rendezvous-Server https://h ist nicht erreichbar: dort lauscht nichts."
    assert translated("Nobody has translated this.") == "Nobody has translated this."


def test_answers_count_in_english_and_in_ones_own_language(german: None) -> None:
    assert [answers.yes(word) for word in ("y", "yes", "j", "Ja", "n", "no", "nein", "vielleicht")] == [
        *(True,) * 4,
        *(False,) * 3,
        None,
    ]
    bob = answers.Person(1, "Bob", "did:b")
    assert answers.decide("alle", [bob], host=True) == answers.Accept(("did:b",))
    assert answers.decide("niemand", [bob], host=True) == answers.Accept()
    ja = answers.Person(1, "Ja", "did:b")
    assert isinstance(answers.decide("ja", [ja], host=True), answers.Unclear)


def test_german_answers_mean_nothing_in_english() -> None:
    assert answers.yes("j") is None and answers.yes("nein") is None


@pytest.mark.parametrize("name", OTHERS)
def test_every_text_is_translated(name: str, script: ModuleType) -> None:
    found = [one.text for one in script.found()]
    missing = {one.text for one in script.missing(name)}
    assert len(found) > 1000
    assert not missing, f"`scripts/texts.py {name}` gives the entries that {name}.po lacks"


def test_the_script_follows_variables_constants_and_ends_of_sentences(
    script: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "module.py").write_text(SOURCE)
    assert {one.text for one in script.found(tmp_path)} == {
        "{name} is gone.",
        "{name} is late.",
        "{message} It is tried again.",
        "Ask {name}, or choose tls.",
        "{name} revealed twice",
        "no way is known",
    }


SOURCE = """
OTHERS = "choose tls"
UNSHOWN = "a text that nobody sees"


def problem() -> str:
    return "no way is known"


def fail(name: str, late: bool) -> None:
    message = f"{name} is late." if late else f"{name} is gone."
    if late:
        message = f"{message} It is tried again."
    hint = f"Ask {name}, or {OTHERS}."
    raise PeerError(message, peer=name, hint=hint)


def other() -> None:
    message = "another one that nobody sees"
    raise MessageFault("revealed twice")
"""


@pytest.mark.parametrize("name", OTHERS)
def test_a_translation_has_the_places_of_its_english(name: str) -> None:
    catalogue = load(name)
    for english, translation in catalogue.texts.items():
        assert _places(english) == _places(translation), english
    for one, forms in catalogue.plurals.items():
        for form in forms:
            assert _places(form) <= {"count", *_places(one)}, one


@pytest.mark.parametrize("name", OTHERS)
def test_a_translation_ends_as_its_english(name: str) -> None:
    for english, translation in load(name).texts.items():
        end = english[-1] if english[-1] in ".?:" else ""
        assert translation.endswith(end), english
        assert not end or translation[-2:-1] not in ".?:", translation


def test_the_english_is_plain_and_in_one_style(script: ModuleType) -> None:
    wrong = {}
    for one in script.found():
        text = one.text.strip()
        if problem := _problem(text, shown=one.shown):
            wrong[f"{one.path}:{one.line} {text}"] = problem
    assert wrong == {}


_PET = re.compile(
    r"\b(huddlers?|doors?|spool|keeper|seeker|lanes?|chronicle|please note|simply|just)\b", re.I
)


def _problem(text: str, *, shown: bool) -> str:
    if "!" in text.replace("!=", ""):
        return "shouts"
    if len(text) > 240:
        return "is too long"
    if shown and (found := _PET.search(text)):
        return f"has a word that nobody needs: {found[0]}"
    if "  " in text:
        return "has two spaces"
    if shown and re.search(r"[.?] [a-z]\w+ ", text) and not re.search(r"\b(e\.g|i\.e)\.", text):
        return "has a sentence that begins small"
    if (
        re.search(r"\b[A-Z]{4,}\b(?<!HTTP)", text)
        and shown
        and "ANOTHER KEY" not in text
        and not re.search(r"--|NAME|NUMBERS|ARGS", text)  # what somebody is to put in
    ):
        return "is in capitals"
    return ""


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def waited_for(file: Path) -> Iterator[str]:
    """What a script waits to see on a screen, where that is plain words."""
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(attr="wait"), args=[_, ast.Constant(value=str(pattern))]):
                yield from (one for one in pattern.split("|") if re.fullmatch(r"[\w ]+", one))


@pytest.mark.parametrize("name", ["films", "picture"])
def test_what_a_film_waits_for_is_still_said(name: str, script: ModuleType) -> None:
    said = [
        re.sub(r"\{\w+\}", who, one.text) for one in script.found() for who in ("Ada", "Bob", "Cyd", "Dan")
    ]
    waited = set(waited_for(ROOT / "scripts" / f"{name}.py"))
    assert len(waited) > 2
    assert [one for one in sorted(waited) if not any(one in text for text in said)] == []
