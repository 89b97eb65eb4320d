"""A program as a person names it: the manifest that stands for it, and what others would refuse."""

import pytest

from huddle.ceremony.manifest import Flags, read
from huddle.ceremony.messages import Software
from huddle.errors import LocalError
from huddle.session.program import Program

VERSIONS = (Software("mpyc", "0.11"),)
FILES = {"a.py": b"print(1)\n", "data/b.txt": b"two"}


def test_its_manifest_names_files_arguments_and_run() -> None:
    program = Program("a.py", FILES, ("-n", "3"))
    manifest = program.manifest(Flags(1), VERSIONS, session=bytes(32), run=4)
    assert [file.path for file in manifest.files] == ["a.py", "data/b.txt"]
    assert (manifest.entry, manifest.args, manifest.run) == ("a.py", ("-n", "3"), 4)
    assert manifest.flags.threshold == 1
    manifest.check_files(FILES)


def test_the_digest_is_the_programs_whenever_it_runs() -> None:
    program = Program("a.py", FILES)
    first = program.manifest(Flags(), VERSIONS)
    later = program.manifest(Flags(), VERSIONS, session=bytes(32), run=2)
    assert first.program_digest == later.program_digest and first.digest != later.digest


def test_its_contents_are_not_in_its_repr() -> None:
    assert "print" not in repr(Program("a.py", FILES))


@pytest.mark.parametrize(
    "program",
    [
        Program("b.py", FILES),  # not among its files
        Program("data/b.txt", FILES),  # not Python
        Program("a.py", FILES | {"../c.py": b""}),
        Program("a.py", FILES | {"A.PY": b""}),
        Program("a.py", FILES | {"con.py": b""}),
        Program("a.py", FILES | {"a\u202eyp.txt": b""}),
        Program("a.py", FILES | {"caf\udce9.txt": b""}),
        Program("a.py", FILES, ("x" * 1025,)),
        Program("a.py", FILES, ("x",) * 65),
        Program("a.py", FILES, ("a\0b",)),
        Program("a.py", FILES, ("\udce9",)),
        Program("a.py", FILES | {f"{n}.txt": b"" for n in range(256)}),
        Program("a.py", {}),
    ],
)
def test_what_others_would_refuse_is_the_fault_of_this_party(program: Program) -> None:
    with pytest.raises(LocalError, match=r"can't be proposed") as caught:
        program.manifest(Flags(), VERSIONS)
    assert caught.value.hint


def test_what_can_be_proposed_can_be_read() -> None:
    from huddle.codec import encode

    manifest = Program("a.py", FILES, ("x" * 1024,) * 64).manifest(Flags(), VERSIONS)
    assert read(encode(manifest)) == manifest
