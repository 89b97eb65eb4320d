"""Whose option is it: Huddle's or the program's?"""

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from huddle.cli.arguments import TAKEN, GuestCommand, ProgramCommand, nearly
from huddle.cli.commands.session import join_command


@click.command(cls=ProgramCommand, context_settings={"allow_interspersed_args": False})
@click.argument("program")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.option("--parties", "-M", type=int)
@click.option("--name")
@click.option("--stay", is_flag=True)
@click.option("--sandbox/--no-sandbox", default=None)
@click.option("--include", multiple=True)
def command(**values: Any) -> None:
    """Print what came of the words."""
    click.echo(repr({key: value for key, value in values.items() if value not in (None, False, ())}))


def parsed(line: str) -> dict[str, Any]:
    """What the words of a line mean."""
    result = CliRunner().invoke(command, line.split())
    assert result.exit_code == 0, result.output
    value: dict[str, Any] = eval(result.output)  # noqa: S307 - our own repr
    return value


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("--parties 3 p.py", {"program": "p.py", "parties": 3}),
        ("p.py --parties 3", {"program": "p.py", "parties": 3}),
        ("p.py --parties=3 --size 8", {"program": "p.py", "parties": 3, "args": ("--size", "8")}),
        ("p.py -M3 x y", {"program": "p.py", "parties": 3, "args": ("x", "y")}),
        ("p.py -M 3 -x", {"program": "p.py", "parties": 3, "args": ("-x",)}),
        ("p.py 4 --stay 5", {"program": "p.py", "stay": True, "args": ("4", "5")}),
        ("p.py --no-sandbox", {"program": "p.py"}),
        ("p.py --include a --include b", {"program": "p.py", "include": ("a", "b")}),
        ("p.py -- --parties 3", {"program": "p.py", "args": ("--parties", "3")}),
        ("--name A p.py -- --name B", {"program": "p.py", "name": "A", "args": ("--name", "B")}),
        ("--stay -- p.py --parties 2", {"program": "p.py", "stay": True, "parties": 2}),
        ("p.py --help", {"program": "p.py", "args": ("--help",)}),
        ("p.py - --size", {"program": "p.py", "args": ("-", "--size")}),
        ("p.py -M3 -Months 2 -M=3", {"program": "p.py", "parties": 3, "args": ("-Months", "2", "-M=3")}),
    ],
)
def test_an_option_is_huddle_s_where_huddle_knows_it_and_else_the_program_s(
    line: str, meant: dict[str, Any]
) -> None:
    assert parsed(line) == meant


def test_what_huddle_took_behind_the_program_is_known() -> None:
    context = command.make_context("host", "--stay p.py --name A -M3 --size 8 -- --include b".split())
    assert context.meta[TAKEN] == ("--name", "-M")


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ("--name Bob --via 127.0.0.1 LINK", ()),
        ("LINK --name Bob", ("--name",)),
        ("--name Bob LINK --via=127.0.0.1 --yes --grace 5 -- --program x", ("--via", "--yes", "--grace")),
        ("LINK --name --yes", ("--name",)),  # that is the name
    ],
)
def test_what_a_guest_gave_huddle_behind_the_invitation_is_known(line: str, taken: tuple[str, ...]) -> None:
    assert isinstance(join_command, GuestCommand)
    context = join_command.make_context("join", line.split())
    assert context.meta[TAKEN] == taken
    assert context.params["invitation"] == "LINK"


def test_a_mistyped_option_before_the_program_is_an_error() -> None:
    result = CliRunner().invoke(command, ["--partys", "3", "p.py"])
    assert result.exit_code == 2
    assert "--partys" in result.output


SLIPS = {
    "--privat=--salary=4200": "--private",
    "--priv=--salary=4200": "--private",
    "--PRIVATE=--salary=4200": "--private",
    "--pirvate=--salary=4200": "--private",
    "--private-arg=--salary=4200": "--private",
    "-private=--salary=4200": "--private",
    "\u2014private=--salary=4200": "--private",  # an editor's dash
    "private=--salary=4200": "--private",
    "--privat": "--private",
    "--recrod": "--record",
    "--partys=3": "--parties",
    "--no_sandbox": "--no-sandbox",
    "--inputs": "--input",
    "--pseudonyme": "--pseudonym",
}


@pytest.mark.parametrize("where", ["{} p.py", "p.py {}", "p.py x {} --size 3", "p.py --parties 3 {}"])
@pytest.mark.parametrize("slip", SLIPS)
def test_a_mistyped_option_of_huddle_s_is_an_error_wherever_it_stands_and_its_value_is_not_said(
    slip: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huddle.cli.commands.session import host_command

    (tmp_path / "p.py").write_text("print(1)\n")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(host_command, where.format(slip).split())
    assert result.exit_code == 2, result.output
    if where.startswith("p.py"):
        assert f"Did you mean {SLIPS[slip]}?" in result.output and "4200" not in result.output


@pytest.mark.parametrize("slip", SLIPS)
def test_behind_two_dashes_everything_is_the_program_s(slip: str) -> None:
    assert parsed(f"p.py -- {slip}") == {"program": "p.py", "args": (slip,)}


@pytest.mark.parametrize(
    "word",
    [
        "--no-log",
        "--size",
        "-x",
        "--seed=3",
        "--iterations",
        "--salary=4200",
        "-H",
        "--no-async",
        "--",
        "a=b",
    ],
)
def test_an_option_of_the_program_s_own_is_not_taken_for_a_slip(word: str) -> None:
    from huddle.cli.commands.session import host_command

    names = [name for param in host_command.params for name in (*param.opts, *param.secondary_opts)]
    assert nearly(word, names) == ""


def test_a_value_of_the_wrong_kind_behind_the_program_is_an_error() -> None:
    result = CliRunner().invoke(command, ["p.py", "--parties", "many"])
    assert result.exit_code == 2
    assert "many" in result.output


def test_the_real_command_takes_options_behind_its_program(tmp_path: Path) -> None:
    from huddle.cli.commands.session import host_command

    program = tmp_path / "p.py"
    program.write_text("print(1)\n")
    result = CliRunner().invoke(host_command, [str(program), "--parties", "1"])
    assert result.exit_code == 2
    assert "2<=x<=32" in result.output
