"""The network `webrtc` before a session: is there a library for it? See `network`."""

from typing import Any

from huddle.networks.base import Check, Network, NetworkContext, NetworkKind, why_not


class WebRtcKind(NetworkKind):
    """ICE through NATs, DTLS, data channels; natively and in browsers."""

    name = "webrtc"
    needs = "UDP: an open LAN, routers that STUN gets through, or a TURN server; its library"
    secured_by = "DTLS, certificates whose hashes were sealed for the peer"
    seen_by = "anybody on the path, and a TURN server where there is one: addresses, sizes, times"
    automatic = True
    in_browser = True

    async def problem(self) -> str:
        from huddle.networks.webrtc import library

        return why_not(library.check)

    def create(self, context: NetworkContext, options: Any) -> Network:
        from huddle.networks.webrtc.network import WebRtcNetwork

        return WebRtcNetwork(context.rendezvous, context.crypto)

    def load(self) -> None:
        import huddle.networks.webrtc.network  # noqa: F401

    async def examine(self, options: Any) -> list[Check]:
        from importlib import metadata

        if why := await self.problem():
            advice = (
                "pip install 'mpyc-huddle[webrtc]': direct links through most home routers, and to browsers."
            )
            return [Check("WebRTC", "warn", why, advice)]
        return [Check("WebRTC", "ok", metadata.version("aiolibdatachannel"))]
