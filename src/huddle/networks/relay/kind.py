"""The network `relay` before a session; see `network`."""

from typing import Any

from huddle.networks.base import Check, Network, NetworkContext, NetworkKind


class RelayKind(NetworkKind):
    """Through the rendezvous, where nothing else gets through."""

    name = "relay"
    needs = "a way to the rendezvous, as for a web page"
    secured_by = "Huddle's own record layer, keys from the sealed session"
    seen_by = "the rendezvous too: addresses, sizes, times"
    automatic = True
    in_browser = True
    by_rendezvous = True
    always_relayed = True

    def create(self, context: NetworkContext, options: Any) -> Network:
        from huddle.networks.relay.network import RelayNetwork

        return RelayNetwork(context.rendezvous)

    def load(self) -> None:
        import huddle.networks.relay.network  # noqa: F401

    async def examine(self, options: Any) -> list[Check]:
        """Nothing of its own: where the rendezvous answers, it works."""
        return []
