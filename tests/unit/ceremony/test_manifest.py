"""Manifests: hostile ones are refused, whatever system they aim at; differences are named."""

from dataclasses import replace
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.ceremony.manifest import (
    MAX_ARGS,
    MAX_FILES,
    MAX_PATH,
    MAX_TOTAL,
    File,
    Flags,
    Manifest,
    ManifestError,
    build,
    check_path,
    differences,
    read,
)
from huddle.ceremony.messages import Software
from huddle.codec import encode

FILES = {"prog.py": b"print()\n", "lib/help.py": b"x = 1\n", "data.csv": b"1,2\n"}
VERSIONS = (Software("mpyc", "0.11"), Software("python", "3.13.0"))


def made(**more: object) -> Manifest:
    return build("prog.py", FILES, versions=VERSIONS, **more)  # type: ignore[arg-type]


def test_what_is_built_is_read_again() -> None:
    manifest = made(args=("-n", "3"), flags=Flags(threshold=1, no_prss=True))
    assert read(encode(manifest)) == manifest
    manifest.check_files(FILES)
    assert manifest.size == sum(map(len, FILES.values())) and manifest.version("mpyc") == "0.11"
    assert manifest.version("nothing") == ""


HOSTILE = [
    "",
    "/etc/passwd",
    "../up.py",
    "a/../../b.py",
    "a/./b.py",
    "./a.py",
    "a//b.py",
    "a/",
    "..",
    "a\\b.py",
    "..\\b.py",
    "C:b.py",
    "C:/b.py",
    "a:stream.py",
    "nul",
    "NUL.py",
    "com1.txt/x.py",
    "lpt¹.py",
    "a\0b.py",
    "a\nb.py",
    "a\u202eb.py",
    "e\u0301.py",
    "x.py.",
    "x.py ",
    " x.py",
    "~root/x.py",
    "-rf.py",
    "a*.py",
    "a?.py",
    'a".py',
    "a|b.py",
    "\udce9.py",
    "x" * 101,
    "/".join(["abcdefgh"] * 30),
]


@pytest.mark.parametrize("path", HOSTILE)
def test_a_hostile_path_is_refused(path: str) -> None:
    with pytest.raises(ManifestError):
        check_path(path)
    with pytest.raises(ManifestError):
        build("prog.py", {**FILES, path: b""})


@pytest.mark.parametrize(
    "path", ["prog.py", "a/b/c.txt", "Ünïcode/数据.csv", ".hidden", "a b.py", "console.py"]
)
def test_an_ordinary_path_passes(path: str) -> None:
    check_path(path)


@given(st.text(alphabet=st.sampled_from("ab./\\:~-\0 \u0301éNULnul1*?"), max_size=12))
def test_a_path_that_passes_stays_inside_on_every_system(path: str) -> None:
    try:
        check_path(path)
    except ManifestError:
        return
    assert not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts
    windows = PureWindowsPath(path)
    assert not windows.drive and not windows.root and ".." not in windows.parts
    assert str(PurePosixPath(path)) == path


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"prog.py": b"", "PROG.py": b""}, "twice"),
        ({"prog.py": b"", "straße": b"", "STRASSE": b""}, "twice"),
        ({"prog.py": b"", "lib": b"", "lib/x.py": b""}, "file and a directory"),
        ({"prog.py": b"", "LIB": b"", "lib/x.py": b""}, "file and a directory"),
        ({"other.py": b""}, "not one of its Python files"),
        ({f"f{i}": b"" for i in range(MAX_FILES + 1)}, "pack them"),
    ],
)
def test_files_that_cannot_lie_beside_each_other_are_refused(files: dict[str, bytes], words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        build("prog.py", files)


def test_a_program_that_is_no_python_file_is_refused() -> None:
    with pytest.raises(ManifestError, match="Python"):
        build("data.csv", FILES)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"run": 0}, "no session or run"),
        ({"session": b"short"}, "no session or run"),
        ({"args": ("a\0b",)}, "zero byte"),
        ({"versions": (Software("mpyc", "1"), Software("mpyc", "2"))}, "doubled"),
        ({"versions": (Software("mpyc", "\x1b"),)}, "cannot be shown"),
        ({"files": tuple(reversed(made().files))}, "not in order"),
        ({"files": (*made().files[:2], File("prog.py", MAX_TOTAL + 1, bytes(32)))}, "bytes of files"),
    ],
)
def test_other_hostile_manifests_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        read(encode(replace(made(), **change)))  # type: ignore[arg-type]


def test_what_is_too_much_is_refused_where_it_is_built() -> None:
    with pytest.raises(ManifestError, match="cannot be written"):
        made(args=("x",) * (MAX_ARGS + 1))
    long = {f"{i:03}" + "x" * 90 + "/" + "y" * 90: b"" for i in range(MAX_FILES - 1)}
    assert build("p.py", {"p.py": b"", **long})
    with pytest.raises(ManifestError, match="at most"):
        build("p.py", {"p.py": b"", **long}, args=("x" * 1000,) * 50)
    assert MAX_PATH >= 184


@pytest.mark.parametrize(
    "contents",
    [
        {**FILES, "more.py": b""},
        {"prog.py": FILES["prog.py"]},
        {**FILES, "data.csv": b"1,3\n"},
        {**FILES, "data.csv": b"1,2\n\n"},
    ],
)
def test_other_contents_are_noticed(contents: dict[str, bytes]) -> None:
    with pytest.raises(ManifestError):
        made().check_files(contents)


def test_differences_are_named() -> None:
    mine, theirs = made(args=("-n", "3")), made(args=("-n", "4"), flags=Flags(no_prss=True))
    theirs = replace(theirs, versions=(Software("mpyc", "0.10"), Software("python", "3.14.0")))
    assert differences(mine, mine) == ()
    found = "; ".join(differences(mine, theirs))
    assert "arguments are '-n 4', this guest has '-n 3'" in found
    assert "no_prss is True, this guest expects False" in found
    assert "the host has MPyC 0.10, this guest 0.11" in found and "python" not in found
    assert "arguments" not in "; ".join(differences(mine, theirs, args=False))
    other = build("a.py", {"a.py": b"", "data.csv": b"9\n"}, versions=VERSIONS)
    found = "; ".join(differences(mine, other))
    for words in (
        "program is a.py",
        "this guest has no a.py",
        "only this guest has prog.py",
        "data.csv has other contents",
    ):
        assert words in found


def test_digests_name_the_run_and_the_program() -> None:
    manifest = made()
    later = manifest.for_run(b"d" * 32, 2)
    assert later.digest != manifest.digest and later.program_digest == manifest.program_digest
    newer = replace(manifest, versions=(Software("mpyc", "0.12"),))
    assert newer.program_digest == manifest.program_digest
    assert made(args=("x",)).program_digest != manifest.program_digest


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(ManifestError):
        read(data)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_manifest_is_another_one_or_refused(at: int, change: int) -> None:
    data = bytearray(encode(made()))
    data[at % len(data)] ^= change
    try:
        assert read(bytes(data)).digest != made().digest
    except ManifestError:
        pass
