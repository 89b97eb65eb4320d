"""The options of the command line that are networks' own, made from the registry, and their values."""

from collections.abc import Callable, Mapping
from dataclasses import Field
from pathlib import Path
from typing import Any

import click

from huddle.errors import LocalError
from huddle.networks import registry
from huddle.networks.base import Option

Decorator = Callable[[Any], Any]


def options(*, hosting: bool) -> list[Decorator]:
    """Those of all networks: for whoever hosts only, or for every party."""
    return [
        _option(one, told)
        for kind in registry.kinds()
        for one, told in registry.described(kind.Options)
        if told.hosting == hosting and not told.secret
    ]


def hosting_options(command: Any) -> Any:
    """Add those of whoever hosts."""
    return _added(command, options(hosting=True))


def serving_options(command: Any) -> Any:
    """Add those of `huddle serve`."""
    found = [
        _option(one, told)
        for kind in registry.kinds()
        for one, told in registry.described(kind.ServerOptions)
    ]
    return _added(command, found)


def set_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """The options of each network that has any, by its name, from what was typed and the environment."""
    kinds = [kind for kind in registry.kinds() if list(registry.described(kind.Options))]
    return {kind.name: registry.parsed(kind.Options, values) for kind in kinds}


def check_host(networks: tuple[str, ...], chosen: Mapping[str, Any]) -> None:
    """Raise LocalError where none of the networks that a host chose is of use with these options."""
    problem: LocalError | None = None
    for kind in filter(None, map(registry.kind, networks)):
        problem = kind.unconfigured(chosen.get(kind.name) or kind.Options(), hosting=True)
        if problem is None:
            return
    if problem is not None:
        raise problem


def _option(one: Field[Any], told: Option) -> Decorator:
    flag = f"--{one.name.replace('_', '-')}"
    if isinstance(one.default, bool):
        return click.option(flag, one.name, is_flag=True, default=None, envvar=told.env, help=told.help)
    # Whole, for a session that root starts leaves the directory.
    path = click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path)
    if isinstance(one.default, int):
        return click.option(
            flag, one.name, type=int, default=one.default, show_default=True, envvar=told.env, help=told.help
        )
    return click.option(
        flag,
        one.name,
        type=path if one.type in (Path, Path | None) else str,
        envvar=told.env,
        metavar=told.metavar,
        help=told.help,
    )


def _added(command: Any, decorators: list[Decorator]) -> Any:
    for decorator in reversed(decorators):
        command = decorator(command)
    return command
