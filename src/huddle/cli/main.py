"""The command `huddle`: its commands are in `huddle.cli.commands`, imported when they are asked for.

A guest waits for what `huddle join` imports, so each command loads its own needs and no others'. Networks
add theirs (`NetworkKind.cli`), and other distributions by the entry point group `huddle.commands`, as
`mpyc-huddle-lab` adds `lab`.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import EntryPoints, entry_points
from typing import Any

import click

from huddle import __version__
from huddle.cli import help_texts
from huddle.cli.errors import complaints
from huddle.texts import t

_GROUP = "huddle.commands"
_COMMANDS = {
    "demo": "demo:demo_command",
    "host": "session:host_command",
    "join": "session:join_command",
    "proxy": "session:proxy_command",
    "serve": "serve:serve_command",
    "identity": "identity_group:identity_group",
    "whoami": "identity:whoami_command",
    "contacts": "identity:contacts_group",
    "verify": "identity:verify_command",
    "doctor": "doctor:doctor_command",
    "forget": "identity:forget_command",
    "web": "web:web_group",
}


def _of_networks() -> dict[str, str]:
    from huddle.networks import registry  # most commands are none of these, and need not wait for it

    return {name: where for kind in registry.kinds() for name, where in kind.cli.items()}


def _added() -> EntryPoints:
    return entry_points(group=_GROUP)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Hardly anything that imports make is garbage, and looking for it takes an eighth of their time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class _Commands(click.Group):
    """A group that imports a command's module when the command is needed."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        help_texts.speak()
        help_texts.translate(self)
        return super().make_context(info_name, args, parent, **extra)

    def list_commands(self, ctx: click.Context) -> list[str]:
        own = [*_COMMANDS, *_of_networks()]
        return [*own, *(name for name in sorted(_added().names) if name not in own)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = self._found(ctx, cmd_name)
        if command is not None:
            help_texts.translate(command)
        return command

    def _found(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command: click.Command
        if cmd_name in _COMMANDS:
            module, name = _COMMANDS[cmd_name].split(":")
            with _nothing_collected():
                command = getattr(import_module(f"huddle.cli.commands.{module}"), name)
            return command
        for point in _added().select(name=cmd_name):
            command = point.load()
            return command
        if where := _of_networks().get(cmd_name):
            command = getattr(import_module(where.partition(":")[0]), where.partition(":")[2])
            if command.callback is not None:
                command.callback = complaints(command.callback)
            return command
        if cmd_name == "lab":
            raise click.UsageError(t("The lab is not installed: pip install mpyc-huddle-lab"), ctx)
        return None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="huddle")
def main() -> None:
    """Run any MPyC program together with people whom you never met.

    Everybody on their own machine, over whatever network they have; nothing stays behind but what you keep.
    Try `huddle demo` first.
    """
