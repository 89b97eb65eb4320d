"""Huddle and its lab as people install them: two wheels in an environment outside any checkout."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = dict(os.environ)  # with the cache of who runs the tests, where uv finds what is locked


def uv(*args: str | Path) -> None:
    subprocess.run([ROOT / "scripts" / "uv", *args], cwd=ROOT, env=ENVIRONMENT, check=True, timeout=200)


def said(*command: str | Path, **options: str) -> str:
    """What a command of the new environment prints; it has to end well."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=220, check=False, env=os.environ | options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheels of both distributions."""
    here = tmp_path_factory.mktemp("wheels")
    for project in (".", "lab"):
        uv("build", "--wheel", "--quiet", "--no-build-isolation", "--python", ROOT / ".venv/bin/python",
           "--out-dir", here, project)  # fmt: skip
    return here


@pytest.fixture(scope="module")
def installed(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands are of an environment that has both, and what they are locked to depend on."""
    env = tmp_path_factory.mktemp("installed") / "env"
    uv("venv", "--quiet", "--python", ROOT / ".venv/bin/python", env)
    install = ("pip", "install", "--quiet", "--python", env)
    uv(*install, "--require-hashes", "--compile-bytecode", "-r", "requirements/lab.txt")
    uv(*install, "--no-deps", "--offline", *sorted(wheels.glob("*.whl")))
    return env / "bin"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory that knows nothing of the checkout."""
    for name in ("PYTHONPATH", "VIRTUAL_ENV"):
        monkeypatch.delenv(name, raising=False)
    place = tmp_path / "elsewhere"
    place.mkdir()
    monkeypatch.chdir(place)
    yield place


def test_the_demo_runs(installed: Path) -> None:
    assert len(re.findall("gives a present to person", said(installed / "huddle", "demo"))) >= 3
    look = "import huddle, huddle_lab; print(huddle.__file__, huddle_lab.__file__)"
    assert str(ROOT) not in said(installed / "python", "-c", look)


def test_the_page_is_served(installed: Path) -> None:
    if not (ROOT / "web" / "dist" / "SHA256SUMS").is_file():
        assert os.environ.get("CI") != "true"
        pytest.skip("the page was not built")
    serve: list[str | Path] = [installed / "huddle", "serve", "--json", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            fetch = f"import urllib.request as u; print(u.urlopen('{url}', timeout=20).read().decode())"
            assert "<script" in said(installed / "python", "-c", fetch)
        finally:
            server.terminate()


def test_the_python_example_of_the_readme_runs(installed: Path, elsewhere: Path) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    # Root's own programs may run as root where root says so; Huddle's commands become somebody else.
    ours = (
        "from huddle.running import account\naccount.refuse_root = lambda: None\n"
        if os.geteuid() == 0
        else ""
    )
    (elsewhere / "example.py").write_text(ours + block.replace("parties=3", "parties=2"))
    with subprocess.Popen(
        [installed / "python", "-u", "example.py"], stdout=subprocess.PIPE, text=True
    ) as ada:
        try:
            assert ada.stdout is not None
            link = ada.stdout.readline().rpartition(" ")[2].strip()
            program = said(
                installed / "python",
                "-c",
                "from huddle.session.samples import sample as s; print(s('average_salary.py'))",
            )
            joining = ("join", "--json", "--name", "Bob", "--yes", "--program", program.strip(), link)
            bob = said(installed / "huddle", *joining, "--", "--no-log", "--salary=1000")
            rest = ada.stdout.read()
            assert ada.wait(30) == 0, rest + bob
            assert "The average salary is 2600.00." in rest
        finally:
            ada.kill()


def test_the_lab_runs_a_study_by_its_name(installed: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make machines of namespaces")
    part = ("network=plain,tls", "scenario=one-region", "demo=Secret Santa", "repetition=0")
    only = [word for one in part for word in ("--only", one)]
    said(installed / "huddle", "lab", "run", "quick", *only)
    rows = [json.loads(line) for line in Path("results/quick.jsonl").read_text().splitlines()]
    assert {("plain", "finished"), ("tls", "finished")} <= {(row["network"], row["outcome"]) for row in rows}
    said(installed / "huddle", "lab", "report", "results/quick.jsonl")
    assert Path("results/quick.html").stat().st_size > 1000


def test_huddle_alone_has_nothing_of_the_lab(wheels: Path) -> None:
    (wheel,) = [one for one in wheels.glob("*.whl") if "lab" not in one.name]
    listed = said(ROOT / ".venv/bin/python", "-m", "zipfile", "-l", wheel)
    assert "huddle/programs/vote.py" in listed
    assert "huddle_lab" not in listed and "studies" not in listed
