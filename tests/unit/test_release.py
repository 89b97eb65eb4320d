"""What makes a release: two builds that are compared, and advisories that are looked up."""

import io
import tarfile
from pathlib import Path

import pytest

from tests.scripts import script


def test_a_byte_or_a_file_too_many_is_found() -> None:
    release = script("release")
    assert release.differing({"a": b"1", "b": b"2"}, {"a": b"1", "b": b"2"}) == []
    assert release.differing({"a": b"1", "b": b"2"}, {"a": b"1", "b": b"3", "c": b""}) == ["b", "c"]


def test_a_packed_directory_follows_from_its_files_alone(tmp_path: Path) -> None:
    release, packed = script("release"), []
    for name, mode, order in (("one", 0o600, ("a", "d/b")), ("two", 0o755, ("d/b", "a"))):
        for file in order:
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.encode())
            path.chmod(mode)
        packed.append(release.packed(tmp_path / name, 1_700_000_000))
    assert packed[0] == packed[1]
    with tarfile.open(fileobj=io.BytesIO(packed[0])) as archive:
        assert archive.getnames() == ["a", "d/b"]


def test_an_advisory_fails_and_silence_of_the_registry_is_told() -> None:
    read = script("advisories").read
    good = {"name": "good", "version": "1", "vulns": []}
    bad = {"name": "bad", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
    unknown = {"name": "unknown", "skip_reason": "not found"}
    assert read({"dependencies": [good, good]}).note == ""
    found = read({"dependencies": [good, bad, bad, unknown]})
    assert found.advisories == ("bad 2: CVE-1, mended in 3",)
    assert found.note == "1 of 3 versions: the registry does not answer"


@pytest.mark.parametrize("answer", [None, {"dependencies": []}])
def test_no_answer_at_all_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: object
) -> None:
    advisories = script("advisories")
    monkeypatch.setattr(advisories, "ask", lambda: answer and advisories.read(answer))
    assert advisories.main() == 0
    assert "advisories: " in capsys.readouterr().out
