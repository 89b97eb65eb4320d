"""Tables as Markdown."""


def line(*cells: object) -> str:
    """A line of a table."""
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"


def rule(columns: int) -> str:
    """The line below a table's head."""
    return line(*["---"] * columns)
