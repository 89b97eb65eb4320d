"""The command `huddle`: its parts are in the modules beside this one."""

import click

from huddle import __version__
from huddle.cli.demo import demo_command
from huddle.cli.doctor import doctor_command
from huddle.cli.identity_commands import contacts_group, forget_command, verify_command, whoami_command
from huddle.cli.serve import serve_command
from huddle.cli.session_commands import host_command, join_command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="huddle")
def main() -> None:
    """Run any MPyC program together with people whom you never met.

    Everybody on their own machine, over whatever network they have; nothing stays behind but what you keep.
    Try `huddle demo` first.
    """


for command in (
    demo_command,
    host_command,
    join_command,
    serve_command,
    whoami_command,
    contacts_group,
    verify_command,
    doctor_command,
    forget_command,
):
    main.add_command(command)
