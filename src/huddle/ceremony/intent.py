"""What a host means to do with the room next: propose, wait for the person's word, or begin a new epoch.

What it has said is only so once the room has it: between the two it may have changed its mind, and no epoch
is given up twice. It must not know who is there, nor what is proposed.
"""

from huddle.ceremony.states import CeremonyState


class Intent:
    """One host's. `held`: nothing is proposed until the person says so."""

    def __init__(self, *, held: bool) -> None:
        self.held = held
        self.ready = False  # the person has said so, which counts where any number may take part
        self._under_way = False  # a proposal is on its way to the room
        self._outdated = False  # and is not what the person wants any more
        self._given_up = 0  # the latest epoch for which a new one is to begin

    def go_on(self) -> None:
        """The person wants it to begin."""
        self.ready, self.held = True, False

    @property
    def proposes(self) -> bool:
        """Whether a proposal is on its way."""
        return self._under_way

    def may_propose(self, state: CeremonyState) -> bool:
        """Whether one can be sent in this state, if all are there."""
        return state is CeremonyState.GATHERING and not (self._under_way or self.held)

    def propose(self) -> None:
        """It is sent."""
        self._under_way = True

    def change(self) -> None:
        """Something else is to be proposed from now on."""
        self._outdated = self._under_way

    @property
    def regrets(self) -> bool:
        """Whether the proposal that is on its way, or has come, is not to be taken up any more."""
        return self.held or self._outdated

    def give_up(self, epoch: int) -> None:
        """A new epoch is to begin after this one."""
        self._given_up = epoch

    def has_given_up(self, epoch: int) -> bool:
        """Whether a new epoch is to begin after this one."""
        return self._given_up == epoch

    def begin(self) -> None:
        """A new epoch has begun."""
        self._under_way = self._outdated = False
