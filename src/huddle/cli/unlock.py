"""Opens an identity whose key is not in its file as it is: by a passphrase, asked once, or by an ssh-agent.

The passphrase is asked on the terminal. Where there is none to ask on, as with --json, it is taken from
HUDDLE_PASSPHRASE, which no child of Huddle's gets.
"""

import os
import sys

import click

from huddle.cli.confirm import hidden
from huddle.errors import LocalError
from huddle.identity import keyfile
from huddle.identity.keyfile import InAgent, Locked, Plain, Stored, WrongPassphrase
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.identity.ssh_agent import Agent
from huddle.texts import t

VARIABLE = "HUDDLE_PASSPHRASE"
_TRIES = 3
_CRYPTO = NativeCrypto()


def unlock_identity(stored: Stored) -> Identity:
    """The identity with its key; LocalError where the passphrase is wrong or the agent has no such key."""
    match stored:
        case Plain(seed):
            return Identity.from_seed(_CRYPTO, seed)
        case Locked():
            return Identity.from_seed(_CRYPTO, unlock_seed(stored))
        case InAgent(did):
            agent = Agent()  # asked for as long as this process lives
            try:
                (key,) = [key for key in agent.keys() if key.did == did]
            except ValueError:
                agent.close()
                raise LocalError(
                    f"The ssh-agent has not the key of your identity {did}.", hint="Add it with ssh-add."
                ) from None
            return key.identity()


def unlock_seed(locked: Locked) -> bytes:
    """The seed, by the passphrase that is in the environment or that the person types."""
    given = os.environ.pop(VARIABLE, None)
    if given is not None:
        try:
            return _seed(locked, given)
        except WrongPassphrase as error:
            raise LocalError(
                f"The passphrase in {VARIABLE} is not that of your identity.", hint="Nothing was changed."
            ) from error
    if not sys.stdin.isatty():
        raise LocalError(
            "Your identity is locked, and there is no terminal to ask for its passphrase.",
            hint=f"Give it in {VARIABLE}, or take part with --pseudonym.",
        )
    for left in reversed(range(_TRIES)):
        typed = hidden(t("Passphrase of your identity"))
        try:
            return _seed(locked, typed)
        except WrongPassphrase:
            if left:
                click.echo(t("That is not it. Try again."), err=True)
    raise LocalError(
        "That is not the passphrase of your identity.",
        hint="Try again; or, if it is lost, get a new identity after `huddle forget identity`.",
    )


def _seed(locked: Locked, passphrase: str) -> bytes:
    seed = keyfile.unlock(_CRYPTO, locked, passphrase)
    if Identity.from_seed(_CRYPTO, seed).did != locked.did:
        raise WrongPassphrase("another key than it says")
    return seed
