"""Huddle: run any MPyC program together with people whom you never met.

`huddle.host` and `huddle.join` are the way in from Python, see `huddle.api`; `huddle.connect`, `invite` and
`disconnect` are that from a notebook, see `huddle.notebook`; `huddle.events` are what a
session tells, `huddle.errors` what can go wrong. They are imported when they are first used, so that the
parts which also run in a browser load nothing that they do not need.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from huddle.api import (
        Contacts,
        GuestPlan,
        HostPlan,
        Identity,
        Party,
        Program,
        Settings,
        host,
        join,
    )

__version__ = "0.1.0"
__all__ = [
    "Contacts",
    "GuestPlan",
    "HostPlan",
    "Identity",
    "Party",
    "Program",
    "Settings",
    "connect",
    "disconnect",
    "host",
    "invite",
    "join",
]
_NOTEBOOK = ("connect", "disconnect", "invite", "load_ipython_extension")


def __getattr__(name: str) -> Any:
    if name in _NOTEBOOK:  # which asks as the command line does, and so lies above it
        return getattr(import_module("huddle.notebook"), name)
    if name in __all__:
        from huddle import api

        return getattr(api, name)
    if name in ("errors", "events"):
        return import_module(f"huddle.{name}")
    raise AttributeError(f"module 'huddle' has no attribute {name!r}")
