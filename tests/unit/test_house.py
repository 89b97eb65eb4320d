"""Habits of the house that a machine can check, held against every file that git tracks."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Put together from parts, so that this file doesn't contain what it looks for.
REGISTRIES = re.compile(
    "|".join(
        re.escape(".".join(host))
        for host in [
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("npmjs", "org"),
            ("npmjs", "com"),
            ("yarnpkg", "com"),
            ("crates", "io"),
            ("golang", "org"),
            ("debian", "org"),
        ]
    )
)
MACHINE_PATHS = re.compile("/(?:root|home/[a-z]+|Users/[A-Za-z]+)/")
LONGEST_MODULE = 500
LONGEST_OF_HUDDLE = 410  # in src, where others read most
HOSTS = "lab/src/huddle_lab/sites/hosts.txt"


@cache
def tracked() -> tuple[Path, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return tuple(ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file())


def modules() -> list[Path]:
    return [path for path in tracked() if path.suffix in {".py", ".ts"}]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    """Each line of a tracked text file in which the pattern occurs, as file:line."""
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}")
    return found


def test_no_file_names_a_package_registry() -> None:
    assert lines_with(REGISTRIES) == []


def test_lock_files_say_what_and_not_from_where() -> None:
    locks = [
        path
        for path in tracked()
        if path.parent.name == "requirements" or path.name in ("package-lock.json", "hosts.txt")
    ]
    assert len(locks) >= 2
    for path in locks:
        text = path.read_text()
        assert '"resolved": "http' not in text, path
        assert path.suffix == ".json" or "://" not in text, path


@pytest.mark.parametrize(
    "name", ["requirements/runtime.txt", "requirements/dev.txt", "requirements/uv.txt", HOSTS]
)
def test_every_locked_package_has_an_exact_version_and_hashes(name: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / name).read_text().strip())
    for entry in entries:
        assert re.match(r"[a-z0-9.\-]+==[^\s;]+ ", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    assert lines_with(MACHINE_PATHS) == []


def test_no_module_is_too_long() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in modules()}
    assert {str(path): length for path, length in lengths.items() if length > LONGEST_MODULE} == {}
    own = {str(path): length for path, length in lengths.items() if path.is_relative_to(ROOT / "src")}
    assert {path: length for path, length in own.items() if length > LONGEST_OF_HUDDLE} == {}


def test_every_python_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules()
        if path.suffix == ".py" and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


# Interfaces' own: where one name in two modules is one thing, seen from two sides.
VOCABULARIES = {  # what people and programs are told, and messages of protocols, named for what they tell
    *("events.py", "ceremony/events.py", "ceremony/messages.py", "groups/messages.py"),
    *(
        "rendezvous/messages.py",
        "session/control_messages.py",
        "shortcode/pake.py",
        "networks/wireguard/helper.py",
    ),
}
ANSWERS = {"cli/terminal/answers.py", "cli/terminal/dealing.py"}  # what a person may say to each question
OF_EACH_NETWORK = {"Offer"}  # what a party tells of its end


def test_no_class_name_stands_for_two_things() -> None:
    """The lab is a distribution of its own, and counts by itself."""
    twice = set()
    for root in (ROOT / "src" / "huddle", ROOT / "lab" / "src"):
        places: dict[str, set[str]] = {}
        for path in root.rglob("*.py"):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places.setdefault(node.name, set()).add(path.relative_to(root).as_posix())
        for name, found in places.items():
            own = found - VOCABULARIES - (ANSWERS if len(ANSWERS & found) > 1 else set())
            # One thing in a terminal and in a browser: tests hold the two to one interface.
            things = {re.sub(r"_?(native|browser)(?=\.py$)", "", path) for path in own}
            if len(things) > 1 and name not in OF_EACH_NETWORK:
                twice.add(name)
    assert twice == set()
