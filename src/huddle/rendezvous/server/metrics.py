"""What a rendezvous counts, for Prometheus: numbers only, no ids and no addresses.

Each rendezvous has a registry of its own, so that several can live in one process.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class Metrics:
    """The counters of one rendezvous."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"huddle_{name}", text, labels, registry=self.registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"huddle_{name}", text, labels, registry=self.registry)

        self.connections = gauge("connections", "Open connections", "kind")
        self.rooms = gauge("rooms", "Rooms that have not expired")
        self.nameplates = gauge("nameplates", "Nameplates that have not expired")
        self.store_bytes = gauge("store_bytes", "Bytes of all records kept")
        self.channels = gauge("relay_channels", "Relay channels with one side or both")
        self.records = counter("records", "Records appended")
        self.record_bytes = counter("record_bytes", "Bytes of records appended")
        self.relayed = counter("relayed_messages", "Messages relayed")
        self.relayed_bytes = counter("relayed_bytes", "Bytes relayed")
        self.slowed = counter("slowed_seconds", "Seconds by which addresses over their bytes were slowed")
        self.stalled = counter("stalled_readers", "Connections dropped as they took nothing")
        self.lookups = counter("lookups", "Nameplates looked up", "result")
        self.refused = counter("refused", "Refusals", "code")
        self.stun = counter("stun_requests", "STUN requests, and what else came there", "result")
        self.turn = counter("turn_passwords", "Passwords given out for TURN servers")
        self.failures = counter("internal_errors", "Connections that ended in an error of this server")

    def page(self) -> bytes:
        """All of it in the text format of Prometheus."""
        return generate_latest(self.registry)
