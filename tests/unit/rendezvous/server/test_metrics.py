"""What a rendezvous counts: each its own, in the format of Prometheus, and nobody by name."""

from prometheus_client.parser import text_string_to_metric_families

from huddle.rendezvous.server.metrics import Metrics


def test_two_rendezvous_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.rooms.set(3)
    one.refused.labels("busy").inc()
    assert one.registry.get_sample_value("huddle_rooms") == 3
    assert other.registry.get_sample_value("huddle_rooms") == 0
    assert other.registry.get_sample_value("huddle_refused_total", {"code": "busy"}) is None


def test_the_page_can_be_read_by_prometheus_and_all_of_it_is_ours() -> None:
    metrics = Metrics()
    metrics.connections.labels("room").set(2)
    families = {family.name: family for family in text_string_to_metric_families(metrics.page().decode())}
    assert all(name.startswith("huddle_") and family.documentation for name, family in families.items())
    (sample,) = families["huddle_connections"].samples
    assert (sample.labels, sample.value) == ({"kind": "room"}, 2)
