"""How many of the records that count for nothing a person is told of."""

MAX_IGNORED = 16  # that a person is told of one by one: more tell nothing new


class NoticeLimit:
    """Lets the first through, says once that more come, and is silent from then on."""

    def __init__(self) -> None:
        self._count = 0

    def text(self, text: str) -> str:
        """What to tell in place of this; empty: nothing."""
        self._count += 1
        if self._count <= MAX_IGNORED:
            return text
        if self._count == MAX_IGNORED + 1:
            return (
                "more such records come, and change nothing; whoever writes them has the invitation,"
                " or is the rendezvous"
            )
        return ""
