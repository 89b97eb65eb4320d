"""The arguments of `tc` where the kernel has netem."""

from huddle_lab.sites import netem
from huddle_lab.study.shape import Shape


def test_each_other_machine_has_a_class_picked_by_its_address() -> None:
    commands = [" ".join(command) for command in netem.prepare(1, 3)]
    assert commands[0] == "qdisc add dev wan0 root handle 1: htb"
    assert sum(command.startswith("class") for command in commands) == 2
    assert any(command.endswith("match ip dst 10.77.0.3/32 flowid 1:12") for command in commands)
    assert not any("10.77.0.2/32" in command for command in commands)


def test_a_shape_becomes_its_settings() -> None:
    shapes = {
        0: Shape(delay=0.04, jitter=0.001, rate=1e7, loss=0.01),
        1: Shape(delay=1),
        2: Shape(delay=0.005, up=False),
    }
    first, second = (" ".join(command) for command in netem.change(1, shapes))
    assert first == (
        "qdisc change dev wan0 parent 1:10 handle 10: netem limit 100000 "
        "delay 40000us 1000us distribution normal loss 1% rate 10000000bit"
    )
    assert second.endswith("delay 5000us 0us loss 100%")
