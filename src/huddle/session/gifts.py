"""What a program gets of its person beside the question's files, in one line, and what it asks for."""

from collections.abc import Mapping

from huddle.session.belongings import variables
from huddle.session.settings import Settings

_NAMED = 5  # of each kind, on one line


def told(settings: Settings, files: Mapping[str, bytes]) -> str:
    """The line for the person, before they are asked; an empty text where there is nothing to say."""
    inputs = [
        f"{target} (your {path.name}{'/' if path.is_dir() else ''})" if path.name != target else target
        for target, path in settings.named_inputs
    ]
    given = [name for name, _ in settings.environment]
    asked = variables(data for path, data in files.items() if path.endswith(".py"))
    wanted = [name for name in asked if name not in given]
    parts = []
    if inputs:
        parts.append(f"It may read {_some(inputs)}.")
    if given:
        parts.append(f"It gets the variable{'s' if len(given) > 1 else ''} {_some(given)}.")
    if wanted:
        parts.append(f"Its source asks for {_some(wanted)}; --env gives it a variable.")
    if settings.output is not None:
        parts.append(f"What it makes is kept in {settings.output}.")
    return " ".join(parts)


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join([*names[:_NAMED], *([f"{more} more"] if more > 0 else [])])
