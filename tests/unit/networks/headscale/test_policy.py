"""A line more in somebody else's policy, and out again: every other byte stays."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.networks.headscale.policy import openness, users_of, with_line, without_lines

PORTS = {"huddle-aa-0": 4000, "huddle-aa-1": 4001}


def ours(name: str) -> bool:
    return name.startswith("huddle-aa-")


POLICIES = [
    '{"acls": []}',
    '{"acls":[{"action":"accept","src":["group:a"],"dst":["group:a:22"]}]}',
    """// whole
    { /* groups */ "groups": {"group:a": ["carol@",],},
      "acls": [ // rules
        {"action": "accept", "src": ["group:a"], "dst": ["tag:x:80,443"]}, // ours: "huddle-aa-0@"
      ],
    }
    """,
    '{"grants":[{"src":["group:a"],"dst":["tag:x"],"ip":["*"]}],"acls":[\n]}',
    '{"hosts":{"a\\"]}":"100.64.0.7"},"acls":[{"src":["a\\"]}"],"dst":["a\\"]}:*"],"action":"accept"}]}',
]


def plain(text: str) -> object:
    """What a policy without strings that look like comments says."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    return json.loads(re.sub(r",(\s*[]}])", r"\1", text))


@pytest.mark.parametrize("text", POLICIES)
def test_a_line_goes_in_and_comes_out_without_a_trace(text: str) -> None:
    more = with_line(text, PORTS)
    assert users_of(more, ours) == set(PORTS) and users_of(text, ours) == set()
    line = plain(more)["acls"][0]  # type: ignore[index]
    assert line["src"] == ["huddle-aa-0@", "huddle-aa-1@"]
    assert line["dst"] == ["huddle-aa-0@:4000", "huddle-aa-1@:4001"] and line["proto"] == "tcp"
    assert without_lines(more, ours) == text


def test_two_sessions_have_their_own_lines() -> None:
    both = with_line(with_line(POLICIES[2], PORTS), {"huddle-bb-0": 1})
    assert without_lines(both, ours) == with_line(POLICIES[2], {"huddle-bb-0": 1})
    edited = both.replace("tag:x:80,443", "tag:x:81")  # by its owner, meanwhile
    left = without_lines(without_lines(edited, ours), lambda name: name == "huddle-bb-0")
    assert left == POLICIES[2].replace("tag:x:80,443", "tag:x:81")


def test_a_line_that_somebody_else_has_set_anew_is_found_again() -> None:
    again = json.dumps(plain(with_line(POLICIES[1], PORTS)), indent=2)
    assert plain(without_lines(again, ours)) == plain(POLICIES[1])


def test_a_policy_without_acls_gets_them() -> None:
    text = '{ "grants": [{"src": ["group:a"], "dst": ["tag:x"], "ip": ["22"]}] }'
    assert users_of(with_line(text, PORTS), ours) == set(PORTS)


@pytest.mark.parametrize("text", POLICIES)
def test_rules_that_name_whom_they_mean_keep_others_out(text: str) -> None:
    assert openness(text) == "" and openness(with_line(text, PORTS)) == ""


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"groups": {}}',
        '{"acls":[{"action":"accept","src":["*"],"dst":["*:*"]}]}',
        '{"acls":[{"action":"accept","src":["group:a"],"dst":["*:22"]}]}',
        '{"acls":[{"action":"accept","src":["autogroup:member"],"dst":["tag:nas:*"]}]}',
        '{"acls":[{"action":"accept","src":["group:a"],"dst":["autogroup:member:*"]}]}',
        '{"acls":[{"action":"accept","src":["100.64.0.0/10"],"dst":["tag:nas:*"]}]}',
        '{"hosts":{"all":"100.64.0.0/16"},"acls":[{"action":"accept","src":["all"],"dst":["tag:nas:*"]}]}',
        '{"acls":[],"grants":[{"src":["*"],"dst":["tag:nas"],"ip":["*"]}]}',
    ],
)
def test_rules_for_everybody_are_seen(text: str) -> None:
    assert openness(text)


def test_rules_for_everybody_s_own_machines_are_none_of_ours() -> None:
    text = '{"acls":[{"action":"accept","src":["autogroup:member"],"dst":["autogroup:self:*"]}]}'
    assert openness(text) == ""


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"acls":{}}', '{"acls":[}', "{'a':1}", '{"a" 1}', "{} {}", '"x"']
)
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        openness(text)
    with pytest.raises(ValueError, match=r"."):
        with_line(text, PORTS)


def test_a_policy_nested_too_deep_is_refused() -> None:
    with pytest.raises(ValueError, match="deep"):
        openness('{"acls":' + "[" * 5000 + "]" * 5000 + "}")


@given(st.text(alphabet='{}[]",:/*\n \\acls01', max_size=60))
def test_any_text_is_a_policy_or_refused(text: str) -> None:
    try:
        openness(text)
    except ValueError:
        return
    assert without_lines(text, ours) == text
