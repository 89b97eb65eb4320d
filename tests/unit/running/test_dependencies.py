"""Programs that name their packages: what may stand there, the lock, and an environment that uv makes."""

import asyncio
import hashlib
import os
import re
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.errors import LocalError, ProgramError
from huddle.running import dependencies
from huddle.running.dependencies import Environments
from huddle.running.interpreter import probe
from huddle.running.metadata import Package, Requirements, lock_name, locked, packages, requirements

CACHE = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
HASH = "    --hash=sha256:" + "a" * 64
GOOD = f"numpy==2.1.0 ; python_version >= '3.12' \\\n{HASH} \\\n{HASH}\nsix==1.17.0 \\\n{HASH}\n"


def source(*lines: str) -> str:
    return "\n".join(["import mpyc", "# /// script", *(f"# {line}" for line in lines), "# ///", ""])


def test_a_program_names_what_it_needs() -> None:
    text = source('requires-python = ">=3.13"', 'dependencies = ["numpy>=2", "pandas[extra]; os_name"]')
    assert requirements(text) == Requirements(("numpy>=2", "pandas[extra]; os_name"), ">=3.13")
    assert requirements("import mpyc\n") is None
    assert requirements(source("[tool.huddle]")) is None
    assert lock_name("app/main.py") == "app/main.lock"


@pytest.mark.parametrize(
    "wrong",
    ['"--index-url=x"', '"x @ file:///etc"', '"./here"', '"-r x"', '"a\\nb"', "1", '""', '"a/b"'],
)
def test_only_packages_of_an_index_can_be_named(wrong: str) -> None:
    with pytest.raises(ProgramError):
        requirements(source(f"dependencies = [{wrong}]"))


def test_a_lock_is_packages_with_versions_and_hashes() -> None:
    assert packages(GOOD.encode()) == (Package("numpy", "2.1.0"), Package("six", "1.17.0"))


@pytest.mark.parametrize(
    "wrong",
    [
        "", "six==1.17.0\n", "six==1.17.0 \\\n", "six>=1 \\\n" + HASH, "--index-url https://evil\n" + GOOD,
        GOOD + "-r other\n", GOOD + "six @ file:///x\n", "six==1 \\\nnine==1 \\\n" + HASH, HASH + "\n" + GOOD,
        "six==1.17.0 \\\n    --hash=md5:aa\n", GOOD * 150,
    ],
)  # fmt: skip
def test_what_is_anything_else_is_refused(wrong: str) -> None:
    with pytest.raises(ProgramError, match="lock"):
        packages(wrong.encode())


@given(st.binary(max_size=300))
def test_no_lock_is_too_strange(content: bytes) -> None:
    try:
        packages(content)
    except ProgramError:
        pass


@pytest.fixture
def with_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    """The uv that the project itself is set up with."""
    script = Path(__file__).parents[3] / "scripts" / "uv"
    monkeypatch.setattr(dependencies, "find_uv", lambda: str(script))
    # With what it keeps, or it would be installed again for every test.
    monkeypatch.setenv("XDG_CACHE_HOME", CACHE)


@pytest.mark.usefixtures("with_uv")
@pytest.mark.timeout(240)
async def test_an_environment_has_what_is_locked_and_is_made_once(tmp_path: Path) -> None:
    here = await probe(sys.executable)
    try:
        made = await Environments(tmp_path / "made").lock(Requirements(("six>=1.16",)), here)
    except LocalError as error:
        pytest.skip(f"the package index can't be asked: {error.message}")
    assert {one.name for one in packages(made)} == {"six", "mpyc"}
    told: list[str] = []
    environments = Environments(tmp_path / "made")
    one, other = await asyncio.gather(*(environments.make(made, here, told.append) for _ in range(2)))
    assert one == other == await environments.make(made, here, told.append)
    place = Path(one.executable).parents[1]
    assert list(place.rglob("six.py")) and list(place.rglob("six.*.pyc"))
    # What is known without starting it is what it would say itself.
    itself = await probe(one.executable)
    assert (one.mpyc, one.numpy, one.python) == (itself.mpyc, itself.numpy, itself.python)
    assert {*itself.paths} - {""} <= {*one.paths} and {*itself.prefixes} <= {*one.prefixes}
    assert re.fullmatch(r"The program's packages are here, .+ KiB: mpyc .+ KiB, six .+ KiB\.", told[-1])
    assert [path.name for path in (tmp_path / "made").iterdir()] == [place.name]


@pytest.mark.usefixtures("with_uv")
async def test_a_package_whose_hash_differs_is_not_installed(tmp_path: Path) -> None:
    here = await probe(sys.executable)
    wrong = f"six==1.17.0 \\\n{HASH}\n".encode()
    with pytest.raises(LocalError, match="can't be fetched"):
        await Environments(tmp_path / "made").make(wrong, here, lambda text: None)
    assert list((tmp_path / "made").iterdir()) == []


@pytest.mark.usefixtures("with_uv")
@pytest.mark.timeout(240)
async def test_nothing_of_a_package_runs_before_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wheel can bring code that runs when its Python starts, and a stranger chose it."""
    here = await probe(sys.executable)
    ran = tmp_path / "ran"
    tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    wheel = tmp_path / "links" / "mpyc-9.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as made:
        for name in ("sly.pth", "mpyc.py"):
            made.writestr(name, f"import pathlib; pathlib.Path({str(ran)!r}).touch()\n")
        made.writestr("mpyc-9.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: mpyc\nVersion: 9.0\n")
        made.writestr("mpyc-9.0.dist-info/WHEEL", tag)
        made.writestr("mpyc-9.0.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock = f"mpyc==9.0 \\\n    --hash=sha256:{digest}\n".encode()
    monkeypatch.setenv("UV_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("UV_OFFLINE", "1")
    found = await Environments(tmp_path / "made").make(lock, here, lambda text: None)
    assert found.mpyc == "9.0" and not ran.exists()
    await (await asyncio.create_subprocess_exec(found.executable, "-c", "")).wait()
    assert ran.exists(), "this wheel would have run, so the test can fail"


@pytest.mark.usefixtures("with_uv")
async def test_who_is_offline_is_told_so_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    here = await probe(sys.executable)
    with pytest.raises(LocalError, match="can't be fetched") as failed:
        await Environments(tmp_path / "made").make(GOOD.encode(), here, lambda text: None)
    assert "network once" in failed.value.hint and "--python" in failed.value.hint
    assert list((tmp_path / "made").iterdir()) == []


def test_a_lock_counts_where_the_program_names_packages() -> None:
    named = source('dependencies = ["six"]').encode()
    assert locked("a.py", {"a.py": named, "a.lock": GOOD.encode()}) == GOOD.encode()
    assert locked("a.py", {"a.py": named}) is None
    assert locked("a.py", {"a.py": b"print()", "a.lock": b"anything"}) is None
    with pytest.raises(ProgramError):
        locked("a.py", {"a.py": named, "a.lock": b"-r x"})
