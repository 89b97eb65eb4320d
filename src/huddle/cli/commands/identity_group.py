"""`huddle identity`: where your key is kept: in a file, in a file under a passphrase, or in an ssh-agent."""

import os
import sys
from contextlib import closing
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from huddle.cli.confirm import hidden
from huddle.cli.errors import complaints
from huddle.cli.home import Home
from huddle.cli.unlock import unlock_seed
from huddle.errors import LocalError
from huddle.identity import keyfile
from huddle.identity.keyfile import InAgent, Locked, Plain, Stored
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.identity.ssh_agent import Agent, AgentKey
from huddle.texts import t, translated

_CRYPTO = NativeCrypto()
_KEPT = {
    Plain: "in a file, which whoever has it can use",
    Locked: "in a file, locked by a passphrase",
    InAgent: "in an ssh-agent",
}


@click.group("identity", invoke_without_command=True)
@click.pass_context
@complaints
def identity_group(context: click.Context) -> None:
    """Show how your identity is kept, or keep it more safely."""
    if context.invoked_subcommand is None:
        stored = Home().stored()
        if stored is None:
            click.echo(t("You have no identity yet: the first session makes it, or `huddle whoami`."))
        else:
            click.echo(keyfile.did_of(_CRYPTO, stored))
            click.echo(t("Its key is {where}.", where=translated(_KEPT[type(stored)])))


@identity_group.command("passphrase")
@click.option("--remove", is_flag=True, help="Keep the key without one.")
@complaints
def passphrase_command(remove: bool) -> None:
    """Lock your identity with a passphrase, change it, or remove it; each session asks for it once.

    Without a terminal the new one is read from standard input, the present one from HUDDLE_PASSPHRASE.
    """
    home = Home()
    stored = home.stored()
    if stored is None:
        home.identity(_CRYPTO)
        stored = home.stored()
    seed = _seed(stored)
    if remove:
        home.store(stored, Plain(seed))
        click.echo(t("Your identity has no passphrase any more: whoever has its file can use it."))
        return
    typed = (
        hidden(t("New passphrase"), twice=True) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    )
    if not typed:
        raise LocalError("A passphrase has at least one letter.", hint="Nothing was changed.")
    home.store(stored, keyfile.lock(_CRYPTO, Identity.from_seed(_CRYPTO, seed).did, seed, typed))
    click.echo(t("Your identity is locked. If you forget the passphrase, nobody can unlock it."))


@identity_group.command("agent")
@click.option(
    "--key", "which", metavar="DID|COMMENT", help="Which of the agent's keys; default: the only one."
)
@complaints
def agent_command(which: str | None) -> None:
    """Let the ssh-agent sign for you with an Ed25519 key that it has: the key is not on this disk then.

    An identity that you have goes there by `huddle identity export FILE`, `ssh-add FILE`; then its file
    here keeps its did alone. Without an identity the agent's key becomes yours.
    """
    home = Home()
    stored = home.stored()
    with closing(Agent()) as agent:
        key = _own(stored, agent.keys(), which)
        key.sign(b"huddle/1 identity agent")  # sees that it does
    home.store(stored, InAgent(key.did))
    click.echo(t("The ssh-agent signs for you: {did}", did=key.did))


def _own(stored: Stored | None, keys: list[AgentKey], which: str | None) -> AgentKey:
    """The agent's key for this identity, or for one who has none yet."""
    if stored is None:
        return _chosen(keys, which)
    did = keyfile.did_of(_CRYPTO, stored)
    own = next((key for key in keys if key.did == did), None)
    if own is None or which not in (None, own.did, own.comment):
        raise LocalError(
            f"You have an identity, {did}, and the agent has not its key.",
            hint="`huddle identity export FILE`, then `ssh-add FILE`; or get another one after "
            "`huddle forget identity`: who knows you will not know it.",
        )
    return own


@identity_group.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@complaints
def export_command(file: Path) -> None:
    """Write your identity to FILE as a key of OpenSSH, for ssh-add; it asks for a passphrase for the file."""
    stored = Home().stored()
    if stored is None:
        raise LocalError("You have no identity yet.", hint="`huddle whoami` makes one.")
    seed = _seed(stored)
    typed = hidden(t("Passphrase of the file (empty: none)"), twice=True) if sys.stdin.isatty() else ""
    locked = BestAvailableEncryption(typed.encode()) if typed else NoEncryption()
    key = Ed25519PrivateKey.from_private_bytes(seed)
    data = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, locked)
    try:
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
            made.write(data)
    except OSError as error:
        raise LocalError(f"{file} can't be written: {error.strerror}.") from error
    click.echo(t("{file} has your key: ssh-add {file}, and then keep it away from here.", file=file))


def _seed(stored: Stored | None) -> bytes:
    match stored:
        case Plain(seed):
            return seed
        case Locked():
            return unlock_seed(stored)
    raise LocalError("The key of your identity is in an ssh-agent, which keeps it to itself.")


def _chosen(keys: list[AgentKey], which: str | None) -> AgentKey:
    found = [key for key in keys if which in (None, key.did, key.comment)]
    if len(found) == 1:
        return found[0]
    names = "; ".join(f"{key.did} ({key.comment})" for key in keys) or "none"
    raise LocalError(
        f"The ssh-agent has {len(found)} Ed25519 keys that are meant.",
        hint=f"Choose with --key. It has: {names}",
    )
