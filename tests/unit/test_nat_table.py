"""The NAT table of docs/networks.md is that of tests/netlab/nat_table.jsonl."""

import json

from tests.netlab.table import DOCUMENT, PAIRS, RESULTS, auto, rows, table, with_table


def test_no_cell_is_typed_by_hand() -> None:
    document = DOCUMENT.read_text()
    assert document == with_table(document, RESULTS.read_text())
    assert [row["pair"] for row in rows(RESULTS.read_text())] == list(PAIRS)


def test_a_row_shows_what_was_found_and_what_follows_for_auto() -> None:
    found = {"tls": "refused", "webrtc": "direct", "iroh": "refused", "relay": "relayed"}
    cells = {name: {"outcome": outcome} for name, outcome in found.items()}
    line = json.dumps({"pair": "open – symmetric", "cells": cells})
    shown = "| open – symmetric | refused | not tried | direct | refused | not tried | relayed | webrtc |"
    assert table(line).splitlines()[2] == shown
    assert auto({name: {"outcome": "refused"} for name in found}) == "refused"
