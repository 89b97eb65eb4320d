"""The way in from Python: what scripts give is what the session gets."""

import subprocess
import sys
from pathlib import Path

import pytest

import huddle
from huddle import api, events, notebook
from huddle.errors import LocalError


def test_a_program_is_its_file_and_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"pass\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "t.csv").write_bytes(b"1")
    program = api.program(tmp_path / "a.py", ["-n", "3"], ["data/t.csv"])
    assert program.entry == "a.py" and program.args == ("-n", "3")
    assert dict(program.files) == {"a.py": b"pass\n", "data/t.csv": b"1"}
    with pytest.raises(OSError):
        api.program(tmp_path / "none.py")


def test_everything_that_is_promised_is_there() -> None:
    for name in huddle.__all__:
        assert getattr(huddle, name) is getattr(notebook if hasattr(notebook, name) else api, name)
    assert huddle.events is events
    with pytest.raises(AttributeError):
        huddle.nonsense  # noqa: B018


def test_importing_huddle_loads_no_more_than_it_must() -> None:
    code = "import huddle, sys; print([m for m in sys.modules if m.startswith(('huddle.', 'cryptography'))])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("what", ["path", "program"])
def test_shared_arguments_reach_the_others_however_the_program_is_given(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_bytes(b"pass\n")
    path = tmp_path / "a.py"
    given = path if what == "path" else api.program(path, ["-n"])
    plans: list[api.HostPlan] = []
    monkeypatch.setattr(api, "Party", lambda plan, *rest: plans.append(plan))
    huddle.host(given, "3", parties=2, name="Ada")
    assert plans[0].program.args == (("3",) if what == "path" else ("-n", "3"))


async def test_a_session_from_python_ends_with_its_error_as_an_event() -> None:
    told = [event async for event in huddle.join("nonsense", name="Bob", sandbox=False)]
    assert isinstance(told[-2], events.Error) and told[-2].whose == LocalError.whose
    assert isinstance(told[-1], events.Ended) and not told[-1].clean
