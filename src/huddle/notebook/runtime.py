"""MPyC's runtime in a notebook's process: set up by the arguments that a command line would have."""

import os
import sys
from typing import Any


def runtime(arguments: tuple[str, ...]) -> Any:
    """A fresh MPyC runtime in the running event loop, not yet started.

    MPyC has one runtime a process: secure types that were made before belong to an earlier one.
    """
    before = sys.argv
    sys.argv = ["notebook", *arguments]
    os.environ.setdefault("MPYC_NOUVLOOP", "1")  # the kernel has its loop
    try:
        imported = "mpyc.runtime" in sys.modules
        import mpyc.runtime

        if imported:  # else the import has set it up
            mpyc.runtime.mpc = mpyc.runtime.setup()
        return mpyc.runtime.mpc
    finally:
        sys.argv = before
