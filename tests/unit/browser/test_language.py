"""What the page is told, in its language; what is a stranger's stays as it is."""

from importlib import resources

import pytest

from huddle.browser.language import PageLanguage

GERMAN = resources.files("huddle.texts").joinpath("de.po").read_text(encoding="utf-8")


def test_an_error_is_told_in_the_page_s_language_and_all_else_stays() -> None:
    said = PageLanguage(GERMAN).event(
        "error",
        {"whose": "peer", "message": "Ann has left the session.", "hint": "No such text.", "peer": "Ann"},
    )
    assert said["message"] != "Ann has left the session." and "Ann" in said["message"]
    assert (said["whose"], said["hint"], said["peer"]) == ("peer", "No such text.", "Ann")


def test_the_texts_of_a_mapping_are_translated_and_its_keys_are_not() -> None:
    problems = {"--salary": "Something has to be given here.", "--other": "?"}
    said = PageLanguage(GERMAN).event("checked", {"which": "own", "problems": problems})
    assert list(said["problems"]) == ["--salary", "--other"] and said["problems"]["--other"] == "?"
    assert said["problems"]["--salary"] == "Hier muss etwas stehen."


def test_the_paths_of_links_are_told_in_the_page_s_language() -> None:
    german = PageLanguage(GERMAN)
    paths = ("direct, 192.0.2.1 port 5000", "tab to tab (host to prflx), 192.0.2.1 port 5000")
    told = [german.event("link", {"peer": "Ann", "path": path})["path"] for path in paths]
    assert told == ["direkt, 192.0.2.1 Port 5000", "von Tab zu Tab (host zu prflx), 192.0.2.1 Port 5000"]
    stats = german.event("stats", {"run": 1, "peers": ({"name": "Ann", "path": paths[1]},)})
    assert stats["peers"][0] == {"name": "Ann", "path": told[1]}


def test_a_program_s_output_is_never_touched() -> None:
    text = "The program is stopped."
    assert PageLanguage(GERMAN).event("output", {"text": text}) == {"text": text}


@pytest.mark.parametrize(
    ("reason", "stopped"),
    [
        ("The run failed at Ann: its person stopped it.", True),
        ("Ann stopped the run.", True),
        ("No disk.", False),
    ],
)
@pytest.mark.parametrize("catalogue", ["", GERMAN])
def test_a_run_that_somebody_stopped_is_told_as_that_in_every_language(
    reason: str, stopped: bool, catalogue: str
) -> None:
    assert PageLanguage(catalogue).event("run", {"reason": reason, "hint": ""})["stopped"] is stopped
