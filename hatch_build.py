"""Puts the built page for browsers (scripts/build-web) into the wheel, as huddle/page, where it was built."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface):  # type: ignore[type-arg]
    """Without the page a wheel is whole but for it: its rendezvous says so."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a wheel is built; an editable one finds the page where it was built."""
        page = Path(self.root) / "web" / "dist"
        if version == "editable":
            return
        if (page / "SHA256SUMS").is_file():
            build_data["force_include"][str(page)] = "huddle/page"
        else:
            self.app.display_warning("No page for browsers: build it first, with scripts/build-web.")
