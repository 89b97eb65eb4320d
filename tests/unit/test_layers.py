"""The layers of the house: who may import whom stands in pyproject.toml, under importlinter."""

import importlinter.cli
import pytest


def test_imports_go_downwards_only(capsys: pytest.CaptureFixture[str]) -> None:
    code = importlinter.cli.lint_imports(no_cache=True)
    assert code == 0, capsys.readouterr().out
