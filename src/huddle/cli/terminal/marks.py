"""What is said of people, programs and groups in a word or two, as rich's markup."""

from rich.markup import escape

from huddle import events
from huddle.cli.text import clean_line
from huddle.texts import t


def safe(text: str) -> str:
    """What a stranger wrote, for a line with markup."""
    return escape(clean_line(text))


def standing_of(standing: str) -> str:
    """What a person knows of a party, as markup."""
    match standing:
        case "self":
            return t("you")
        case "new":
            return f"[yellow]{t('new to you')}[/]"
        case "known":
            return f"[cyan]{t('a contact, not verified')}[/]"
        case "verified":
            return f"[green]{t('verified contact')}[/]"
        case "alarm":
            return f"[bold red]{t('ANOTHER KEY under a name that you know')}[/]"
    return safe(standing)


def state_of(one: events.Party) -> str:
    """How far a party is."""
    if one.standing == "self" and one.state != "accepted":
        return ""
    if one.state == "waiting" and one.detail:
        return f"[bold yellow]{t('not expected')}[/]"
    return _word_for(one.state)


def _word_for(state: str) -> str:
    match state:
        case "waiting":
            return t("knocks")
        case "admitted":
            return t("is in")
        case "accepted":
            return f"[green]{t('accepts')}[/]"
        case "silent":
            return t("silent")
    return ""


def doubt_of(one: events.Party) -> str:
    """That nobody expects this party, for a line of names."""
    return f" [bold yellow]({t('not expected')})[/]" if one.state == "waiting" and one.detail else ""


GROUP_STATES = ("dealt", "in", "words", "computing", "result", "failed", "left")


def group_state(state: str) -> str:
    """How far a group of a class is, as markup."""
    match state:
        case "dealt":
            return t("knocking")
        case "in":
            return t("in, saying the words")
        case "words":
            return f"[cyan]{t('words said')}[/]"
        case "computing":
            return f"[cyan]{t('computing')}[/]"
        case "result":
            return f"[green]{t('has its result')}[/]"
        case "failed":
            return f"[red]{t('failed')}[/]"
        case "left":
            return f"[red]{t('left')}[/]"
    return safe(state)


def members_of(group: events.Group) -> str:
    """The members of a group, with markup; of who has left or failed, that too."""
    names = []
    for member in group.members:
        state = member["state"]
        names.append(
            safe(member["name"]) + (f" ({group_state(state)})" if state in ("failed", "left") else "")
        )
    return ", ".join(names)


def doing_of(state: str) -> str:
    """What a peer's program does in a run."""
    doing = {
        "computing": t("computing"),
        "input": t("typing"),
        "gone": t("gone"),
        "hung_up": t("MPyC ended"),
    }
    return doing.get(state, t("ready"))
