"""Every option that Huddle has, mistyped in many ways, on every command that takes it.

Nothing is picked by hand: the options are those of the real commands. What is mistyped is an error that names
the option, or no word of the program's: nothing that was meant for Huddle travels to the others.
"""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from huddle.cli.arguments import _distance, nearly
from huddle.cli.clashes import named_options
from huddle.cli.main import main

VALUES = {  # a value of each kind, as somebody would type it
    "integer": "3",
    "integer range": "3",
    "float": "2.5",
    "float range": "2.5",
    "path": "/tmp/own.csv",
    "file": "own.csv",
    "directory": "Kept/",
    "text": "Ada",
}


def command(name: str) -> click.Command:
    with click.Context(main) as context:
        found = main.get_command(context, name)
    assert found is not None
    return found


def options(name: str) -> Iterator[tuple[str, click.Option]]:
    """Each long option of a command, and what click knows of it."""
    for param in command(name).params:
        if isinstance(param, click.Option):
            for option in (*param.opts, *param.secondary_opts):
                if option.startswith("--"):
                    yield option, param


def words(option: str, param: click.Option) -> Iterator[tuple[str, list[str]]]:
    """The ways in which somebody may mistype an option, each with the words that it makes."""
    known = option[2:]
    value = "" if param.is_flag else VALUES.get(param.type.name, "Ada")
    rest = [value] if value else []
    slips = {
        "a letter left out": f"--{known[:1]}{known[2:]}",
        "the last letter left out": f"--{known[:-1]}",
        "a letter typed twice": f"--{known[:2]}{known[1:]}",
        "two letters swapped": f"--{known[:1]}{known[2:3]}{known[1:2]}{known[3:]}",
        "one dash": f"-{known}",
        "three dashes": f"---{known}",
        "an editor's dash": f"\u2014{known}",
        "wrong case": f"--{known.upper()}",
        "a capital": f"--{known.capitalize()}",
    }
    if "-" in known:
        slips["underscores"] = f"--{known.replace('-', '_')}"
        slips["no dashes within"] = f"--{known.replace('-', '')}"
    if len(known) >= 4:
        slips["abbreviated"] = f"--{known[:4]}"
        slips["another letter"] = f"--{known[:2]}q{known[3:]}"
    for what, slip in slips.items():
        if slip[2:] != known or not slip.startswith("--"):
            yield what, [slip, *rest]
            if value:
                yield f"{what}, =", [f"{slip}={value}"]
    if value:
        yield "joined with its value", [f"--{known}{value}"]
        yield "without dashes", [f"{known}={value}"]


def bare(word: str) -> str:
    """An option without its dashes and its value, as it is compared."""
    return word.partition("=")[0].lstrip("-\u2014").casefold().replace("_", "-")


def parsed(name: str, *line: str) -> "tuple[str, ...] | str":
    """What this command would give the program, or the error; nothing is run."""
    try:
        context = command(name).make_context(name, list(line))
    except click.UsageError as error:
        return error.format_message()
    given: tuple[str, ...] = context.params.get("args" if name == "host" else "private_args", ())
    return given


HOST_S = dict(options("host"))


@pytest.fixture(autouse=True)
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p.py").write_text("print(1)\n")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("groups", [(), ("--groups", "2")], ids=["host", "groups"])
@pytest.mark.parametrize("option", HOST_S)
def test_what_is_mistyped_behind_the_program_is_an_error_that_names_what_was_meant(
    option: str, groups: tuple[str, ...]
) -> None:
    for what, line in words(option, HOST_S[option]):
        said = parsed("host", "p.py", "--parties", "3", *groups, *line)
        if line[0].partition("=")[0] in HOST_S:  # what is mistyped may be another option of Huddle's
            assert said == () or isinstance(said, str)
            continue
        assert isinstance(said, str), f"{what}: {line} travels"
        meant = nearly(line[0], HOST_S)
        assert meant and f"Did you mean {meant}?" in said, (what, line, said)
        assert _distance(bare(line[0]), meant[2:]) <= _distance(bare(line[0]), option[2:])


@pytest.mark.parametrize("option", HOST_S)
def test_behind_two_dashes_it_is_the_program_s_and_before_the_program_it_is_an_error(option: str) -> None:
    for what, line in words(option, HOST_S[option]):
        assert parsed("host", "p.py", "--parties", "3", "--", *line) == tuple(line)
        if line[0].partition("=")[0] not in HOST_S:
            assert isinstance(parsed("host", *line, "p.py", "--parties", "3"), str), (what, line)


@pytest.mark.parametrize("name", ["join", "proxy", "demo"])
def test_on_other_commands_it_is_an_error_or_stays_here(name: str) -> None:
    """A guest's word without a dash before it is a private argument, which never travels."""
    known = dict(options(name))
    link = () if name == "demo" else ("LINK",)
    for option, param in options(name):
        for what, line in words(option, param):
            if line[0].partition("=")[0] not in known:
                said = parsed(name, *link, *line)
                dashed = line[0].startswith("-") or name == "demo"
                assert isinstance(said, str) if dashed else said == tuple(line), (option, what, said)


def test_words_that_programs_of_our_own_take_are_no_slips() -> None:
    """Options that the programs beside Huddle name in their sources, and which are not Huddle's."""
    root = Path(__file__).parents[3]
    sources = {path.name: path.read_bytes() for path in root.glob("programs/**/*.py")}
    taken = {word: nearly(word, HOST_S) for word in sorted(named_options(sources)) if word not in HOST_S}
    slips = {word: meant for word, meant in taken.items() if meant}
    assert len(taken) > 5 and slips == {"--group": "--groups"}  # a letter less may be either
