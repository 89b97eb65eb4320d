"""The command `huddle` by itself: it names its parts and loads only the one that is meant."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from huddle import __version__
from huddle.cli import main as main_module
from huddle.cli.main import _COMMANDS, main


def printed(code: str) -> str:
    """What a fresh interpreter writes that runs this code."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_the_version() -> None:
    assert __version__ in CliRunner().invoke(main, ["--version"]).stdout


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_command_is_there_and_says_what_it_does(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0 and f"main {name}" in result.stdout
    assert name in CliRunner().invoke(main, []).output


def test_another_distribution_adds_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\n  lab " in CliRunner().invoke(main, ["--help"]).output
    assert "calibrate" in CliRunner().invoke(main, ["lab", "--help"]).output
    monkeypatch.setattr(main_module, "_GROUP", "huddle.commands-of-nobody")
    assert "\n  lab " not in CliRunner().invoke(main, ["--help"]).output
    without = CliRunner().invoke(main, ["lab", "run", "quick.toml"])
    assert without.exit_code == 2 and "pip install mpyc-huddle-lab" in without.stderr


def test_a_command_that_is_none_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["hots"])
    assert result.exit_code == 2 and "hots" in result.stderr


def test_a_session_that_root_starts_does_not_wait_for_what_only_its_helper_needs() -> None:
    code = (
        "import sys\nfrom huddle.cli import rights\nfrom huddle.networks import registry\n"
        "names = [kind.name for kind in registry.kinds()]\n"
        "assert rights._root_services(names, 0, homeless=True)\n"
        "print([name for name in sys.modules if name.startswith('huddle.networks.wireguard.')])"
    )
    found = printed(code)
    assert not {"maker", "device", "rootless", "port", "tunnel"} & {
        name.strip(" '[]").rpartition(".")[2] for name in found.split(",")
    }
    assert "wireguard.helper" in found


def test_a_guest_does_not_wait_for_what_only_servers_need() -> None:
    servers = ("uvicorn", "starlette", "prometheus_client", "huddle_lab")
    code = (
        "import sys\nfrom huddle.cli.main import main\nmain(['join', '--help'], standalone_mode=False)\n"
        f"print([name for name in {servers} if name in sys.modules])"
    )
    found = printed(code)
    assert found.splitlines()[-1] == "[]"


def test_nothing_is_collected_as_garbage_while_a_command_is_imported() -> None:
    code = (
        "import click, gc\nfrom huddle.cli.main import main\nseen = []\n"
        "gc.callbacks.append(lambda phase, info: seen.append(phase))\n"
        "main.get_command(click.Context(main), 'join')\nprint(seen, gc.isenabled())"
    )
    found = printed(code)
    assert found == "[] True\n"
