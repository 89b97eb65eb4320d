"""Help and click's own words in the person's language, as the command says them."""

import os
import subprocess
import sys

import pytest

from huddle.cli.help_texts import said
from huddle.cli.main import main
from huddle.texts import LANGUAGES
from huddle.texts.catalogue import load


def _said(language: str, *arguments: str) -> str:
    environment = {**os.environ, "HUDDLE_LANG": language, "COLUMNS": "80"}
    command = [sys.executable, "-m", "huddle", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("language", "arguments", "lines"),
    [
        ("de", ["join"], ["Aufruf: ", "Fehler: Es fehlt das Argument 'LINK-CODE-OR-NAME'."]),
        ("nl", ["join", "--privte", "x"], ["Fout: De optie '--privte' bestaat niet. Bedoel je '--port'?"]),
        ("de", ["verify", "/nowhere"], ["Falscher Wert für 'RECORD': Datei '/nowhere' gibt es nicht."]),
        ("nl", ["doctor", "a", "b"], ["Fout: Er zijn argumenten te veel (a b)"]),
        ("de", ["host", "--help"], ["--stay", "Bleibt für weitere Läufe zusammen.", "Zeigt diese Hilfe."]),
        ("nl", ["identity", "--help"], ["Opdrachten:", "passphrase  Sluit je identiteit af"]),
        ("fr", ["join"], ["Usage: ", "Error: Missing argument 'LINK-CODE-OR-NAME'."]),
    ],
)
def test_help_and_errors_of_use_are_in_the_persons_language(
    language: str, arguments: list[str], lines: list[str]
) -> None:
    shown = _said(language, *arguments)
    for line in lines:
        assert line in shown, shown


def test_the_list_of_commands_cuts_no_sentence_off() -> None:
    assert "..." not in _said("en", "--help").split("Commands:")[1]


@pytest.mark.parametrize("name", [one for one in LANGUAGES if one != "en"])
def test_what_every_command_and_option_says_is_translated(name: str) -> None:
    catalogue = load(name)
    context = main.make_context("huddle", ["demo"])
    own = [one for one in main.list_commands(context) if one != "lab"]
    commands = [command for one in own if (command := main.get_command(context, one)) is not None]
    texts = {text for command in commands for text in said(command)}
    assert len(texts) > 100
    assert [text for text in sorted(texts) if catalogue.recognized(text) == text] == []
