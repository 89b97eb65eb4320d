"""Take part in a session from a notebook: MPyC runs in its cells, in the kernel's own event loop.

    import huddle
    mpc = await huddle.connect("LINK")      # shows people, words and program, and asks
    async with mpc:
        print(await mpc.output(mpc.sum(mpc.input(mpc.SecInt(32)(7)))))
    await huddle.disconnect()

`connect` joins, `invite` hosts; what the others run may be a program or a notebook. The session itself has a
thread of its own, so that it goes on while a cell computes; the cells reach it by `running/proxy.py`, as
`huddle proxy` does. One kernel takes part in one session at a time.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from huddle import api
from huddle.cli.text import clean
from huddle.errors import LocalError
from huddle.notebook.question import Answer
from huddle.notebook.session import NotebookSession

__all__ = ["connect", "disconnect", "invite", "load_ipython_extension"]

# What parties run in a session of notebooks alone.
NOTEBOOKS = b'''"""A session of notebooks: each runs its own cells, which nobody else sees.

What is revealed: what the cells of all together open, so agree on that first.
"""

raise SystemExit("This session is of notebooks: take part in it with `await huddle.connect(LINK)`.")
'''

_present: NotebookSession | None = None


async def connect(
    invitation: str, *private_args: str, name: str = "", answer: Answer | None = None, **local: Any
) -> Any:
    """Join a session by its link, or by its code and `rendezvous`; an MPyC runtime, not yet started.

    People, words and program are shown, and the person is asked as in a terminal. `answer` is what they would
    type (`all`, names, `nobody`), or a function that is called with the question; without it, `input` asks.
    `local` are further arguments of `huddle.join`. Raises what ended the session, where it never began.
    """
    return await _begin(
        lambda who: api.join(invitation, *private_args, name=who, by_hand=True, in_cells=True, **local),
        name,
        answer,
    )


async def invite(
    program: str | Path | api.Program | None = None,
    *args: str,
    parties: int,
    name: str = "",
    answer: Answer | None = None,
    **local: Any,
) -> Any:
    """Host a session of so many parties, this notebook among them; an MPyC runtime, as of `connect`.

    `program` with the shared `args` is what those run who take part without a notebook; without it, all do
    so with one. Link and code are shown. `local` are further arguments of `huddle.host`.
    """
    what = api.Program("notebooks.py", {"notebooks.py": NOTEBOOKS}) if program is None else program
    return await _begin(
        lambda who: api.host(what, *args, parties=parties, name=who, by_hand=True, in_cells=True, **local),
        name,
        answer,
    )


async def disconnect() -> None:
    """This notebook has nothing more to compute: the others are told, and the session ends in order."""
    global _present
    session, _present = _present, None
    if session is None:
        raise LocalError("This notebook takes part in no session.")
    await session.finish()


async def _begin(make: Callable[[str], api.Party], name: str, answer: Answer | None) -> Any:
    global _present
    if _present is not None and not _present.over:
        raise LocalError(
            "This notebook takes part in a session already.", hint="End it first: await huddle.disconnect()"
        )
    session = _present = NotebookSession(lambda: make(name or _name()), answer, _say)
    return await session.begin()


def _name() -> str:
    import getpass

    return getpass.getuser()


def _say(text: str) -> None:
    print(clean(text))


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext huddle`: `connect`, `invite` and `disconnect` by their names."""
    ipython.push({"connect": connect, "invite": invite, "disconnect": disconnect})
