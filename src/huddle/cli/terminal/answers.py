"""What a person's line means as the answer to a question; what means nothing is asked again.

Nothing is decided by an empty line, by half a word, or by a word that could mean two things: parties choose
their names, and one that is called `all`, `w` or `2` must not turn an answer into another.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from huddle.cli.text import clean_line, listing
from huddle.texts import language, t

# English answers count in every language, so that what a document or a friend says can be typed.
_YES, _NO = {"y", "yes"}, {"n", "no"}
_YES_IN = {"de": {"j", "ja"}, "nl": {"j", "ja"}}
_NO_IN = {"de": {"nein"}, "nl": {"nee"}}
_ALL_IN = {"de": "alle", "nl": "alle"}
_NOBODY_IN = {"de": "niemand", "nl": "niemand"}
_VIEW, _DIFFER = {"v", "view"}, {"w", "words"}
_OPTIONS = {"o", "options"}
_NOBODY = {"nobody", "no one", "none"}
_REFUSE = ("r ", "refuse ")
_RESERVED = {*_YES, *_NO, *_VIEW, *_DIFFER, *_OPTIONS, *_NOBODY, "all", "r", "refuse"}


def letter(english: str) -> str:
    """The letter to offer for yes: `y`, or that of the person's language."""
    return "j" if english == "y" and language() in _YES_IN else english


def _says_yes(word: str) -> bool:
    return word in _YES or word in _YES_IN.get(language(), ())


def _says_no(word: str) -> bool:
    return word in _NO or word in _NO_IN.get(language(), ())


def means_all(word: str) -> bool:
    """Whether this is the word for everybody."""
    return word in ("all", _ALL_IN.get(language()))


def _means_nobody(word: str) -> bool:
    return word in _NOBODY or word == _NOBODY_IN.get(language())


def _is_reserved(word: str) -> bool:
    return word in _RESERVED or any(means(word) for means in (_says_yes, _says_no, means_all, _means_nobody))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: what it is about, what can be typed and what that means, and what was wrong before."""

    question: str
    choices: tuple[tuple[str, str], ...]
    problem: str = ""
    standing: bool = False  # nobody waits for the answer: what happens meanwhile stays in sight


@dataclass(frozen=True, slots=True)
class Person:
    """Another party, as it stands on the screen; `heard` is whether its words have been compared before."""

    pid: int
    name: str
    did: str
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Accept:
    """Take part; these dids were heard saying the words."""

    heard: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refuse:
    """The host: without this party."""

    did: str


@dataclass(frozen=True, slots=True)
class CallBack:
    """The host: let this party in after all, whom they refused."""

    did: str


class Decline:
    """Take no part."""


class ViewProgram:
    """Read the program first."""


class Options:
    """Give the program what it can be given beside."""


class Differ:
    """The words here are others."""


class Start:
    """Go on from the lobby."""


class NewCode:
    """Another short code."""


class End:
    """End the session."""


@dataclass(frozen=True, slots=True)
class Parties:
    """So many parties, with the host."""

    count: int


@dataclass(frozen=True, slots=True)
class Replace:
    """The program as it is now; `line`: another one, with its arguments."""

    line: str = ""


@dataclass(frozen=True, slots=True)
class Arguments:
    """Other shared arguments for the same program."""

    line: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nothing is decided; why, for the person."""

    why: str


Decision = Accept | Refuse | Decline | ViewProgram | Options | Differ | Unclear
LobbyDecision = Start | NewCode | Refuse | CallBack | Parties | Replace | Arguments | End | Unclear


def yes(line: str) -> bool | None:
    """Yes, no, or None: neither."""
    word = _folded(line)
    return True if _says_yes(word) else False if _says_no(word) else None


def again(line: str) -> bool | None:
    """Once more, end, or None: neither."""
    return False if _folded(line) in {"q", "quit", "end"} else yes(line)


def run(line: str) -> bool | ViewProgram | None:
    """Run the program, don't, read it first, or None."""
    return ViewProgram() if _folded(line) in _VIEW else yes(line)


def decide(line: str, people: Sequence[Person], *, host: bool) -> Decision:
    """The one decision about people, words and program; `people` are the other parties."""
    word = _folded(line)
    called = [person for person in people if _folded(person.name) == word]
    if called and _is_reserved(word):
        return Unclear(
            t("Somebody here calls themselves {word}, so that can't be an answer. Use numbers.", word=word)
        )
    if not word:
        return Unclear(t("Nothing is decided yet."))
    if word in _VIEW:
        return ViewProgram()
    if word in _OPTIONS:
        return Options()
    if word in _DIFFER:
        return Differ()
    if _says_no(word):
        return Decline()
    for prefix in _REFUSE:
        if host and word.startswith(prefix) and not called:
            found = _find(word.removeprefix(prefix).strip(), people)
            return Refuse(found.did) if isinstance(found, Person) else found
    unheard = [person for person in people if not person.verified]
    if _says_yes(word) and unheard:
        return Unclear(t("Whom did you hear say these words? Type all, names or numbers, or nobody."))
    if _says_yes(word) or _means_nobody(word):
        return Accept()
    if means_all(word):
        return Accept(tuple(person.did for person in unheard))
    return _heard(word, people)


def lobby(
    line: str, people: Sequence[Person], *, held: bool, refused: Sequence[Person] = ()
) -> LobbyDecision:
    """What the host wants before the start; `held`: nothing is proposed until they say so.

    `refused` are those who wait to be let in after all.
    """
    word, _, rest = line.strip().partition(" ")
    word, rest = word.casefold(), rest.strip()
    match word:
        case "":
            return Unclear(t("Nothing is decided yet."))
        case _ if held and not rest and _says_yes(word):
            return Start()
        case "c" | "code" if not rest:
            return NewCode()
        case "q" | "quit" | "end" if not rest:
            return End()
        case "r" | "refuse" if rest:
            found = _find(_folded(rest), people)
            return Refuse(found.did) if isinstance(found, Person) else found
        case "l" | "let" if rest and refused:
            found = _find(_folded(rest), refused)
            return CallBack(found.did) if isinstance(found, Person) else found
        case "m" if rest.isascii() and rest.isdigit() and len(rest) < 3:
            return Parties(int(rest))
        case "p":
            return Replace(rest)
        case "a":
            return Arguments(rest)
    return Unclear(t("{text} is no answer.", text=clean_line(line.strip())))


def _heard(word: str, people: Sequence[Person]) -> Accept | Unclear:
    whole = _find(word, people)  # a name may have a comma in it
    parts = [part.strip() for part in word.split(",") if part.strip()]
    found = [whole] if isinstance(whole, Person) else [_find(part, people) for part in parts]
    for one in found:
        if isinstance(one, Unclear):
            return one
    return (
        Accept(tuple(one.did for one in found if isinstance(one, Person))) if found else Unclear(t("Whom?"))
    )


def _find(word: str, people: Sequence[Person]) -> Person | Unclear:
    meant = [one for one in people if word in (_folded(one.name), str(one.pid), f"#{one.pid}")]
    if len(meant) == 1:
        return meant[0]
    if meant:
        names = listing([clean_line(one.name) for one in meant])
        return Unclear(t("{text} may mean {names}.", text=clean_line(word), names=names))
    known = listing([f"{one.pid} {clean_line(one.name)}" for one in people])
    return Unclear(
        t("{text} is nobody here and no answer. Here are {names}.", text=clean_line(word), names=known)
    )


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
