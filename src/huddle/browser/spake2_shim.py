"""A stand-in for what `spake2` imports of pyca/cryptography, which no pure Python package has.

It is HKDF-SHA-256 alone, by the standard library, under the names that `spake2` knows it by. Nothing is
done where the real one is there.
"""

import importlib.util
import sys
from types import ModuleType
from typing import Any

from huddle.identity.kdf import hkdf

_PRIMITIVES = "cryptography.hazmat.primitives"


class _SHA256:
    """The only hash that there is."""


class _HKDF:
    def __init__(self, algorithm: Any, length: int, salt: bytes, info: bytes) -> None:
        self._length, self._salt, self._info = length, salt, info

    def derive(self, secret: bytes) -> bytes:
        return hkdf(secret, self._info, salt=self._salt, length=self._length)


def install() -> None:
    """Let `import spake2` succeed."""
    if "cryptography" in sys.modules or importlib.util.find_spec("cryptography") is not None:
        return
    parts = _PRIMITIVES.split(".")
    for count in range(1, len(parts) + 1):
        _module(".".join(parts[:count]))
    _module(f"{_PRIMITIVES}.kdf")
    _module(f"{_PRIMITIVES}.hashes", SHA256=_SHA256)
    _module(f"{_PRIMITIVES}.kdf.hkdf", HKDF=_HKDF)


def _module(name: str, **contents: Any) -> None:
    module = ModuleType(name)
    module.__path__ = []
    module.__dict__.update(contents)
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)
