"""`huddle web vendor` against a local index: with what is needed, right hashes only, what is there stays."""

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from huddle.cli.commands import vendor
from huddle.cli.commands.web import web_group
from huddle.rendezvous.server.packages import INDEX, LIST, read_list

FILES = {"array-2.whl": b"array", "matrix-1.whl": b"matrix", "broken-1.whl": b"something else"}


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the screen."""


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """The address of a directory with wheels, and beside it their list."""
    folder = tmp_path / "index"
    folder.mkdir()
    packages = {}
    for file, data in FILES.items():
        (folder / file).write_bytes(data)
        name, version = file.removesuffix(".whl").split("-")
        packages[name] = {
            "version": version,
            "file_name": file,
            "sha256": hashlib.sha256(b"right" if name == "broken" else data).hexdigest(),
            "imports": [name],
            "depends": ["array"] if name == "matrix" else [],
            "package_type": "package",
        }
    packages["lib"] = {**packages["array"], "file_name": "lib-1.zip"}
    (tmp_path / "list.json").write_text(json.dumps({"info": {}, "packages": packages}))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(20)


def run(tmp_path: Path, index: str, *names: str) -> tuple[int, str]:
    args = ["vendor", "--to", str(tmp_path / "to"), "--from", index, "--list", str(tmp_path / "list.json")]
    result = CliRunner().invoke(web_group, [*args, *names])
    return result.exit_code, result.output


def test_a_package_comes_with_what_it_needs_and_what_is_there_stays(tmp_path: Path, index: str) -> None:
    code, said = run(tmp_path, index, "Matrix")
    assert code == 0 and said.count("hash is right") == 2
    assert f"huddle serve --packages {tmp_path / 'to'}" in said
    assert {path.name for path in (tmp_path / "to").iterdir()} == {"array-2.whl", "matrix-1.whl", INDEX}
    assert set(read_list(tmp_path / "to" / INDEX)) == {"array", "matrix"}
    code, said = run(tmp_path, index, "array")
    assert code == 0 and "array 2 is there." in said
    assert set(read_list(tmp_path / "to" / INDEX)) == {"array", "matrix"}


@pytest.mark.parametrize(
    ("name", "said"),
    [("broken", "is not broken 1: its SHA-256 is"), ("numpy", "no package numpy"), ("lib", "no package lib")],
)
def test_what_is_not_right_is_not_kept(tmp_path: Path, index: str, name: str, said: str) -> None:
    code, output = run(tmp_path, index, name)
    assert code != 0 and said in output
    assert not list((tmp_path / "to").glob("*")) if (tmp_path / "to").exists() else True


def test_a_source_that_is_not_there_is_explained(tmp_path: Path, index: str) -> None:
    code, said = run(tmp_path, f"{index}/elsewhere", "array")
    assert code != 0 and "HTTP 404" in said
    code, said = run(tmp_path, "http://127.0.0.1:1", "array")
    assert code != 0 and "can't be fetched" in said


def test_by_default_it_is_pyodide_s_own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor, "find_site", lambda: None)
    result = CliRunner().invoke(web_group, ["vendor", "numpy"])
    assert result.exit_code == 3 and "no page for browsers in this installation" in result.output
    (tmp_path / LIST).write_text(json.dumps({"source": "https://cdn.example/full/", "packages": {}}))
    monkeypatch.setattr(vendor, "find_site", lambda: tmp_path)
    assert vendor.usual_source() == "https://cdn.example/full/"
