"""The command `huddle`: its parts are in the modules beside this one, imported when they are asked for.

A guest waits for what `huddle join` imports, so each command loads its own needs and no others'.
"""

from importlib import import_module

import click

from huddle import __version__

_COMMANDS = {
    "demo": "demo:demo_command",
    "host": "session:host_command",
    "join": "session:join_command",
    "proxy": "session:proxy_command",
    "serve": "serve:serve_command",
    "whoami": "identity:whoami_command",
    "contacts": "identity:contacts_group",
    "verify": "identity:verify_command",
    "doctor": "doctor:doctor_command",
    "forget": "identity:forget_command",
    "web": "web:web_group",
    "lab": "lab:lab_group",
    "wireguard-config": "wireguard_config:wireguard_config_command",
}


class _Commands(click.Group):
    """A group that imports a command's module when the command is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(import_module(f"huddle.cli.commands.{module}"), name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="huddle")
def main() -> None:
    """Run any MPyC program together with people whom you never met.

    Everybody on their own machine, over whatever network they have; nothing stays behind but what you keep.
    Try `huddle demo` first.
    """
