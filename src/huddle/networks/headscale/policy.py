"""A Headscale's policy as text: one line added for a session and taken out again, every other byte as it was.

The policy is HuJSON (JSON with comments and trailing commas), one document for all of that Headscale, which
its owner may have written by hand: so it is never rewritten, only cut and joined at the places that this
finds. A session's line is an entry of `acls` whose sources are all users of that session. Pure: text in,
text out; ValueError for what is no policy.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# Headscale's addresses are all from these.
_RANGES = (ipaddress.ip_network("100.64.0.0/10"), ipaddress.ip_network("fd7a:115c:a1e0::/48"))

# Whoever these mean, a machine of a session is among them.
_EVERYBODY = frozenset({"*", "autogroup:member", "autogroup:danger-all"})

# Destinations that are no other person's machine.
_HARMLESS = frozenset({"autogroup:self", "autogroup:internet"})

_BLANK = re.compile(r"(?:[ \t\r\n]+|//[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_SCALAR = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"|-?[0-9][0-9eE.+-]*|true|false|null')
_DEEPEST = 40


@dataclass(frozen=True, slots=True)
class _Value:
    """A value with its place in the text, and the items of an array or the members of an object."""

    start: int
    end: int
    plain: Any
    items: tuple["_Value", ...] = ()
    members: Mapping[str, "_Value"] | None = None


def with_line(text: str, ports: Mapping[str, int]) -> str:
    """The policy with a line by which these users' machines reach each other, each at its one TCP port."""
    targets = [f"{user}@:{port}" for user, port in ports.items()]
    line = {"action": "accept", "proto": "tcp", "src": [f"{user}@" for user in ports], "dst": targets}
    entry = json.dumps(line, separators=(",", ":")) + ","
    whole = _parsed(text)
    assert whole.members is not None
    acls = whole.members.get("acls")
    if acls is None:
        return f'{text[: whole.start + 1]}"acls":[{entry}],{text[whole.start + 1 :]}'
    return text[: acls.start + 1] + entry + text[acls.start + 1 :]


def without_lines(text: str, ours: Callable[[str], bool]) -> str:
    """The policy without the lines whose sources are all users of whom `ours` is true."""
    for entry in reversed(_entries(_parsed(text))):
        if _is(entry, ours):
            end = entry.end
            comma = re.compile(r"\s*,").match(text, end)
            text = text[: entry.start] + text[comma.end() if comma else end :]
    return text


def users_of(text: str, ours: Callable[[str], bool]) -> set[str]:
    """The users of the lines that `without_lines` would take out."""
    found = set[str]()
    for entry in _entries(_parsed(text)):
        if _is(entry, ours):
            found.update(name.removesuffix("@") for name in entry.plain["src"])
    return found


def openness(text: str) -> str:
    """What in a policy lets machines of a session and others reach each other; empty where nothing does."""
    plain = _parsed(text).plain
    if not isinstance(plain.get("acls"), list) and not isinstance(plain.get("grants"), list):
        return "it has no rules, by which everybody reaches everybody"
    hosts = plain.get("hosts") if isinstance(plain.get("hosts"), dict) else {}
    for kind in ("acls", "grants"):
        for number, rule in enumerate(plain.get(kind) or [], start=1):
            if not isinstance(rule, dict):
                continue
            sources = [_wide(name, hosts) for name in _names(rule.get("src"))]
            targets = _names(rule.get("dst"))
            if kind == "acls":
                targets = [name.rpartition(":")[0] for name in targets]
            others = [name for name in targets if name not in _HARMLESS]
            if others and (any(sources) or any(_wide(name, hosts) for name in others)):
                return f"rule {number} of its {kind} is for everybody"
    return ""


def _wide(name: str, hosts: Mapping[str, Any]) -> bool:
    """Whether machines that come later may be meant."""
    if name in _EVERYBODY:
        return True
    try:
        network = ipaddress.ip_network(hosts.get(name, name), strict=False)
    except ValueError:
        return False
    return network.num_addresses > 1 and any(
        network.version == one.version and network.overlaps(one) for one in _RANGES
    )


def _names(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _entries(whole: _Value) -> tuple[_Value, ...]:
    assert whole.members is not None
    acls = whole.members.get("acls")
    return acls.items if acls is not None else ()


def _is(entry: _Value, ours: Callable[[str], bool]) -> bool:
    sources = entry.plain.get("src") if isinstance(entry.plain, dict) else None
    return (
        isinstance(sources, list)
        and bool(sources)
        and all(isinstance(name, str) and ours(name.removesuffix("@")) for name in sources)
    )


def _parsed(text: str) -> _Value:
    start = _blank(text, 0)
    whole = _value(text, start, 0)
    if whole.members is None or _blank(text, whole.end) != len(text):
        raise ValueError("the policy is no object")
    acls = whole.members.get("acls")
    if acls is not None and not isinstance(acls.plain, list):
        raise ValueError("the policy's acls are no list")
    return whole


def _value(text: str, at: int, depth: int) -> _Value:
    """The value that begins there."""
    if depth > _DEEPEST:
        raise ValueError("the policy is nested too deep")
    opening = text[at : at + 1]
    if opening not in ("[", "{"):
        found = _SCALAR.match(text, at)
        if found is None:
            raise ValueError(f"the policy is no HuJSON at character {at + 1}")
        return _Value(at, found.end(), json.loads(found[0]))
    closing = "]" if opening == "[" else "}"
    items, members = list[_Value](), dict[str, _Value]()
    place = _blank(text, at + 1)
    while text[place : place + 1] != closing:
        one = _value(text, place, depth + 1)
        if opening == "{":
            place = _blank(text, one.end)
            if not isinstance(one.plain, str) or text[place : place + 1] != ":":
                raise ValueError(f"the policy is no HuJSON at character {place + 1}")
            key = one.plain
            one = members[key] = _value(text, _blank(text, place + 1), depth + 1)
        else:
            items.append(one)
        place = _blank(text, one.end)
        if text[place : place + 1] == ",":
            place = _blank(text, place + 1)
        elif text[place : place + 1] != closing:
            raise ValueError(f"the policy is no HuJSON at character {place + 1}")
    if opening == "[":
        return _Value(at, place + 1, [item.plain for item in items], tuple(items))
    return _Value(at, place + 1, {key: item.plain for key, item in members.items()}, members=members)


def _blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
