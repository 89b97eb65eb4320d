"""docs/protocol.md and docs/states.md have every message, limit and state as the code has them."""

from huddle.ceremony.messages import KINDS
from huddle.ceremony.states import RULES, TRANSITIONS, CeremonyState, Handling, SenderRole, verdict
from tests.scripts import script

SCRIPT = script("protocol_tables")


def test_the_protocol_s_tables_are_those_of_the_code() -> None:
    text: str = SCRIPT.PROTOCOL.read_text(encoding="utf-8")
    assert text == SCRIPT.renewed(text), "run scripts/protocol_tables.py"


def test_the_states_are_those_of_the_code() -> None:
    assert SCRIPT.STATES.read_text(encoding="utf-8") == SCRIPT.states(), "run scripts/protocol_tables.py"


def test_every_state_has_a_rule_for_every_message() -> None:
    assert set(RULES) == set(CeremonyState) - {CeremonyState.ENDED}
    for rules in RULES.values():
        assert list(rules) == list(KINDS.values())
        assert all(len(verdicts) == len(SenderRole) for verdicts in rules.values())
    for cls in KINDS.values():
        assert verdict(CeremonyState.ENDED, cls, SenderRole.HOST) is Handling.IGNORE


def test_every_state_can_be_reached_and_left() -> None:
    reached = {CeremonyState.GATHERING}
    for _ in CeremonyState:
        reached |= {new for old, new in TRANSITIONS if old in reached}
    assert reached == set(CeremonyState)
    assert {old for old, _ in TRANSITIONS} == set(CeremonyState) - {CeremonyState.ENDED}
