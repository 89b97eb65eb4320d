"""Another program takes its place, which knows nothing of the session."""

import os

os.execv("/bin/sleep", ["sleep", "1000"])  # noqa: S606
