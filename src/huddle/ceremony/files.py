"""The first program's files on their way through the room.

    blob     = contents of all files, in the order of the manifest, whose sizes say where each ends
    chunk i  = AES-256-GCM(key, nonce = U96 i, associated data: digest ‖ U32 i) of blob[i · 96 KiB : …]

The content key is fresh for each digest, so a nonce is used once. It goes to each guest sealed with the
secret of its pair with the host, so that who can read a chunk is exactly who has been sent the key: the
same as sealing every chunk for every guest, at 1/(n - 1) of the bytes.
"""

from collections.abc import Mapping

from huddle.ceremony.manifest import Manifest, ManifestError
from huddle.ceremony.messages import FileChunk
from huddle.identity.crypto import Crypto, InvalidSeal

CHUNK = 98_304  # a record of at most 128 KiB with some room


def chunk_count(manifest: Manifest) -> int:
    """How many chunks these files are."""
    return -(-manifest.size // CHUNK)


def seal_files(
    crypto: Crypto, key: bytes, digest: bytes, manifest: Manifest, contents: Mapping[str, bytes]
) -> list[FileChunk]:
    """All chunks of the files under a fresh content key."""
    blob = b"".join(contents[file.path] for file in manifest.files)
    return [
        FileChunk(i, crypto.seal(key, _nonce(i), blob[i * CHUNK : (i + 1) * CHUNK], _associated(digest, i)))
        for i in range(chunk_count(manifest))
    ]


class FileReader:
    """Takes the chunks in order and gives the files; ManifestError where they are not those promised."""

    def __init__(self, crypto: Crypto, key: bytes, digest: bytes, manifest: Manifest) -> None:
        self._crypto = crypto
        self._key = key
        self._digest = digest
        self._manifest = manifest
        self._parts: list[bytes] = []

    @property
    def missing(self) -> int:
        """How many chunks have not come yet."""
        return chunk_count(self._manifest) - len(self._parts)

    def take(self, chunk: FileChunk) -> None:
        """The next chunk."""
        if chunk.index != len(self._parts) or not self.missing:
            raise ManifestError(f"piece {chunk.index} of the files where {len(self._parts)} was next")
        associated = _associated(self._digest, chunk.index)
        try:
            part = self._crypto.open(self._key, _nonce(chunk.index), chunk.sealed, associated)
        except InvalidSeal as exc:
            raise ManifestError(f"piece {chunk.index} of the files does not open") from exc
        if len(part) != min(CHUNK, self._manifest.size - chunk.index * CHUNK):
            raise ManifestError(f"piece {chunk.index} of the files has {len(part)} bytes")
        self._parts.append(part)

    def files(self) -> dict[str, bytes]:
        """The contents by path, checked against the manifest, once none is missing."""
        blob = b"".join(self._parts)
        contents, at = {}, 0
        for file in self._manifest.files:
            contents[file.path] = blob[at : at + file.size]
            at += file.size
        self._manifest.check_files(contents)
        return contents


def _nonce(index: int) -> bytes:
    return index.to_bytes(12, "big")


def _associated(digest: bytes, index: int) -> bytes:
    return digest + index.to_bytes(4, "big")
