"""The program's files travel in chunks, and only as the manifest promised them."""

import hashlib
from dataclasses import replace

import pytest

from huddle.ceremony.files import CHUNK, FileReader, chunk_count, seal_files
from huddle.ceremony.manifest import File, ManifestError, build
from tests.unit.ceremony.mesh import SeededCrypto


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_files_arrive_in_chunks(size: int) -> None:
    crypto = SeededCrypto(size)
    contents = {"prog.py": b"pass\n", "data": crypto.random(size), "empty": b""}
    manifest = build("prog.py", contents)
    chunks = seal_files(crypto, bytes(32), b"d" * 32, manifest, contents)
    assert len(chunks) == chunk_count(manifest)
    reader = FileReader(crypto, bytes(32), b"d" * 32, manifest)
    for chunk in chunks:
        assert reader.missing
        reader.take(chunk)
    assert reader.files() == contents
    with pytest.raises(ManifestError, match="was next"):
        reader.take(chunks[0])


def test_wrong_chunks_are_refused() -> None:
    crypto = SeededCrypto(1)
    contents = {"prog.py": b"x" * (2 * CHUNK)}
    manifest = build("prog.py", contents)
    chunks = seal_files(crypto, bytes(32), b"d" * 32, manifest, contents)
    with pytest.raises(ManifestError, match="was next"):
        FileReader(crypto, bytes(32), b"d" * 32, manifest).take(chunks[1])
    with pytest.raises(ManifestError, match="does not open"):
        FileReader(crypto, bytes(32), b"e" * 32, manifest).take(chunks[0])
    with pytest.raises(ManifestError, match="does not open"):
        FileReader(crypto, bytes(32), b"d" * 32, manifest).take(replace(chunks[0], sealed=b""))
    smaller = replace(manifest, files=(File("prog.py", 5, hashlib.sha256(b"pass\n").digest()),))
    with pytest.raises(ManifestError, match="has 98304 bytes"):
        FileReader(crypto, bytes(32), b"d" * 32, smaller).take(chunks[0])
    other = {"prog.py": b"y" * (2 * CHUNK)}
    reader = FileReader(crypto, bytes(32), b"d" * 32, manifest)
    for chunk in seal_files(crypto, bytes(32), b"d" * 32, manifest, other):
        reader.take(chunk)
    with pytest.raises(ManifestError, match="contents of prog"):
        reader.files()
