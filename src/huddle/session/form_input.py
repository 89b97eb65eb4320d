"""One thing that a program wants of a party, and what can be an answer to it. Pure."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

KINDS = ("integer", "decimal", "choice", "text", "date", "file", "table")
MOST_INPUTS = 32
LONGEST = 400  # characters of a text that a program says of itself
OPTION = re.compile(r"--[a-zA-Z0-9][a-zA-Z0-9_-]*\Z")


@dataclass(frozen=True, slots=True)
class FormInput:
    """One thing that a program wants of a party.

    `option` is the program's (`--salary`). A `shared` one is the host's to give and the same for all; any
    other is private and stays on its party's machine. `minimum` and `maximum` bound a number, or the length
    of a text; `parties` are the pids that are asked (none: all). A file or table is a private file.
    """

    option: str
    label: str
    kind: str = "text"
    help: str = ""
    unit: str = ""
    minimum: int | float | None = None
    maximum: int | float | None = None
    choices: tuple[str, ...] = ()
    default: str = ""
    required: bool = True
    shared: bool = False
    parties: tuple[int, ...] = ()

    @property
    def is_file(self) -> bool:
        return self.kind in ("file", "table")

    def problem(self, text: str) -> str:
        """Why this can't be the answer, in words for who gave it; empty where it can."""
        if not text:
            return "Something has to be given here." if self.required and not self.default else ""
        match self.kind:
            case "integer" | "decimal":
                return self._number_problem(text)
            case "choice":
                return "" if text in self.choices else f"Choose one of {', '.join(self.choices)}."
            case "date":
                try:
                    date.fromisoformat(text)
                except ValueError:
                    return "A date is written as in 2026-12-31."
            case "text" if self.maximum is not None and len(text) > self.maximum:
                return f"At most {self.maximum} characters."
            case "text" if self.minimum is not None and len(text) < self.minimum:
                return f"At least {self.minimum} characters."
        return ""

    def _number_problem(self, text: str) -> str:
        whole = self.kind == "integer"
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or (whole and (number % 1 or not re.fullmatch(r"[+-]?[0-9]+", text))):
            return "A whole number, please." if whole else "A number, please, as in 12.50."
        if self.minimum is not None and number < Decimal(str(self.minimum)):
            return f"At least {self.minimum}."
        if self.maximum is not None and number > Decimal(str(self.maximum)):
            return f"At most {self.maximum}."
        return ""

    def argument(self, text: str) -> tuple[str, ...]:
        """What the program gets on its command line; nothing where nothing was given."""
        return (f"{self.option}={text}",) if text else ()
