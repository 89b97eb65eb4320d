"""The documents: links lead somewhere, commands are commands, named tests are there, examples are Python."""

import ast
import importlib
import re
import shlex
import subprocess
from dataclasses import fields
from functools import cache
from pathlib import Path

import click
import pytest

from huddle import api, events
from huddle.cli.gifts import InputType
from huddle.cli.main import main
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig
from huddle.session import control_messages as control

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@cache
def documents() -> tuple[Path, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(path: Path) -> str:
    return _BLOCK.sub("", path.read_text())


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as the usual sites for code make them."""
    headings = re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def commands() -> list[tuple[str, str]]:
    """Each line of a block without a language that begins with `huddle`, and where it stands."""
    found = []
    for path in documents():
        for language, block in _BLOCK.findall(path.read_text()):
            lines = block.replace("\\\n", " ").splitlines()
            if not language:
                found += [(name(path), line.split(" #")[0]) for line in lines if line.startswith("huddle ")]
    return found


def parse(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse a command line as `huddle` would, but for files, which need not be there. Raises UsageError."""
    context = main.make_context("huddle", [], resilient_parsing=True)
    command: click.Command = main
    words = [word for word in shlex.split(line)[1:] if word != "…"]
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words[0])
        if found is None:
            raise click.UsageError(f"no command {words[0]}")
        command, words = found, words[1:]
    for param in command.params:
        if isinstance(param.type, click.Path | InputType):
            monkeypatch.setattr(param.type, "exists", False)
    command.make_context(command.name, words, parent=context)


@pytest.mark.parametrize("path", documents(), ids=name)
def test_every_link_leads_somewhere(path: Path) -> None:
    broken = []
    for target in _LINK.findall(prose(path)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize(("where", "line"), commands())
def test_every_command_is_one(where: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        parse(line, monkeypatch)
    except click.UsageError as error:
        pytest.fail(f"{where}: {line}: {error.format_message()}")


def test_there_are_commands_in_the_readme() -> None:
    assert sum(where == "README.md" for where, _ in commands()) >= 5


@pytest.mark.parametrize(
    "line",
    [
        "huddle hosts --parties 3 prog.py",
        "huddle host prog.py -- --parties 3",  # that is an option of the program
        "huddle host --parties 3 --recording file prog.py",
        "huddle contacts verify",
        "huddle join --network carrier-pigeon https://huddle.example/j#x",
    ],
)
def test_what_is_no_command_is_found(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(click.UsageError):
        parse(line, monkeypatch)


def test_every_test_that_is_named_is_there() -> None:
    named = {
        test
        for path in documents()
        for test in re.findall(r"`(test_[a-z0-9_]+)`", path.read_text())
        if not test.endswith("_py")
    }
    assert len(named) > 50
    there = {
        test
        for path in (ROOT / "tests").rglob("test_*.py")
        for test in re.findall(r"def (test_\w+)\(", path.read_text())
    }
    assert named - there == set()


def test_the_control_messages_are_those_of_the_code() -> None:
    """Number, name and fields of each, in the table and in the code."""
    text = (ROOT / "docs/protocol-control.md").read_text()
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.*?) \| [a-z ]+ to [a-z]+ \|$", text, re.MULTILINE)
    told = {}
    for number, message, described in rows:
        parts = re.split(r", (?![^()]*\))", described)
        told[int(number)] = message, [re.split(r"\W", part)[0] for part in parts]
    assert told == {
        number: (cls.__name__, [field.name for field in fields(cls)]) for number, cls in control.TYPES.items()
    }
    for limit in (control.MAX_MESSAGE, control.PART, control.MAX_RECORD, control.MAX_CHAT):
        assert f"{limit:,}" in text


def test_every_file_that_is_named_is_there() -> None:
    """Paths like `ceremony/log.py` mean the package; `tests/…`, `docs/…` and `scripts/…` the project."""
    missing = []
    for path in documents():
        for file in re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|md|json))`", prose(path)):
            if not any((base / file).exists() for base in (ROOT, ROOT / "src/huddle", ROOT / "src")):
                missing.append(f"{name(path)}: {file}")
    assert missing == []


@pytest.mark.parametrize("path", documents(), ids=name)
def test_python_examples_compile_and_name_what_exists(path: Path) -> None:
    for language, block in _BLOCK.findall(path.read_text()):
        if language != "python":
            continue
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("huddle"):
                module = importlib.import_module(node.module)
                assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


async def test_the_example_of_the_readme_hosts_a_session() -> None:
    """It gets as far as an invitation, on loopback, and is then told to stop."""
    [block] = [
        block for language, block in _BLOCK.findall((ROOT / "README.md").read_text()) if language == "python"
    ]
    tree = ast.parse(block)
    [call] = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "host"
    ]
    arguments = [ast.literal_eval(argument) for argument in call.args]
    options = {one.arg: ast.literal_eval(one.value) for one in call.keywords if one.arg is not None}
    seen = []
    async with RendezvousServer(ServerConfig(hosts=("127.0.0.1",))) as server:
        options |= {"rendezvous": f"http://127.0.0.1:{server.port}", "via": "127.0.0.1"}
        party = api.host(arguments[0], *arguments[1:], **options)
        async for event in party:
            seen.append(event)
            if isinstance(event, events.Invitation):
                party.leave("enough")
    assert isinstance(seen[-1], events.Ended)
    assert any(isinstance(event, events.Invitation) for event in seen)
    for pattern in (node for node in ast.walk(tree) if isinstance(node, ast.MatchClass)):
        assert isinstance(pattern.cls, ast.Name)
        fields = getattr(events, pattern.cls.id).__dataclass_fields__
        assert set(pattern.kwd_attrs) <= set(fields)
