"""How much a peer may say that a person has to read: some lines at once, and then one a second.

Pure: time is an argument, in seconds.
"""

BURST = 20  # lines; people type fewer


class Allowance:
    """What one peer may still say."""

    def __init__(self, now: float) -> None:
        self._left = float(BURST)
        self._seen = now

    def take(self, now: float) -> bool:
        """Use one line of it; False where nothing is left."""
        self._left = min(float(BURST), self._left + max(0.0, now - self._seen))
        self._seen = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
