"""What is handed out: wg-quick's own parser and MPyC in tests/netlab/test_plain.py have the last word."""

import base64

from huddle.networks.plain import config as plain_config
from huddle.networks.plain.config import ReachablePeer
from huddle.networks.plain.offers import PlainPeer
from huddle.networks.wireguard.keys import Key, address


def test_a_configuration_names_each_peer_with_its_one_address() -> None:
    mine, ada, cem = Key.fresh(), Key.fresh(), Key.fresh()
    text = plain_config.configuration(
        1,
        mine.private,
        mine.public,
        [
            ReachablePeer(
                PlainPeer(0, "Ada\n[Peer]", False, ada.public, b"s" * 32, None), ("2001:db8::1", 4000)
            ),
            ReachablePeer(PlainPeer(3, "Cem", True, cem.public, b"t" * 32, None), ("home.example", 4001)),
        ],
    )
    head, *peers = text.split("[Peer]\n")
    assert f"PrivateKey = {base64.b64encode(mine.private).decode()}" in head
    assert f"Address = {address(mine.public)}/128" in head and "ListenPort" not in head
    assert len(peers) == 2
    assert "Endpoint = [2001:db8::1]:4000\n" in peers[0] and "Endpoint = home.example:4001\n" in peers[1]
    for key, part in ((ada, peers[0]), (cem, peers[1])):
        assert f"AllowedIPs = {address(key.public)}/128\n" in part
        assert f"PublicKey = {base64.b64encode(key.public).decode()}\n" in part
