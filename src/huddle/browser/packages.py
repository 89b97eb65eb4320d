"""What a runner does with the packages that were brought for its program, and says of those that were not."""

import importlib
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType

from huddle.browser.mpyc_import import prepare_mpyc

_OF_MPYC = ("numpy", "gmpy2")  # that MPyC looks for when it is imported
_UNNAMED = "packages are fetched before a program starts, and none of its import statements names it"


def begin(brought: Sequence[str], missing: Mapping[str, str], flags: Sequence[str]) -> None:
    """Let the program and MPyC find what was brought, and a program that fails for what was not say so.

    `missing` has the reasons by the names that the program imports; `flags` are MPyC's.
    """
    if brought:
        importlib.invalidate_caches()
    if any(name in brought for name in _OF_MPYC):
        for module in [name for name in sys.modules if name.partition(".")[0] == "mpyc"]:
            del sys.modules[module]
        prepare_mpyc(*flags)

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if note := explanation(error, missing):
            error.add_note(note)
        sys.__excepthook__(kind, error, trace)

    sys.excepthook = hook


def explanation(error: BaseException, missing: Mapping[str, str]) -> str:
    """Why this error may be there, where a package that is missing is a likely reason; else empty."""
    if isinstance(error, ModuleNotFoundError):
        name = (error.name or "").partition(".")[0]
        return f"{name} is not here: {missing.get(name, _UNNAMED)}."
    if isinstance(error, AttributeError) and "numpy" in missing:
        return f"{error}; numpy, which the program imports, is not here: {missing['numpy']}."
    return ""
