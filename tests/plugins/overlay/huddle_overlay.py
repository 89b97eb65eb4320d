"""An overlay of another distribution: a mesh of UDP datagrams, each with a packet, and nothing encrypted."""

from collections.abc import Mapping, Sequence

from huddle_lab.underlays.base import HERE, Place

NOTHING = "not an overlay"
DEVICE, PORT, MTU = "postman0", 5999, 1400

# Its arguments: its own address in the overlay, then those of the others, each with where that machine is.
PROGRAM = f"""
import fcntl, os, socket, struct, sys, threading

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
device = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", b"{DEVICE}", IFF_TUN | IFF_NO_PI))
os.system("ip address add " + sys.argv[1] + "/24 dev {DEVICE} && ip link set {DEVICE} up mtu {MTU}")
others = dict(one.split("=") for one in sys.argv[2:])
wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
wire.bind(("", {PORT}))

def send():
    while packet := os.read(device, 65536):
        where = others.get(socket.inet_ntoa(packet[16:20])) if packet[0] >> 4 == 4 else None
        if where:
            wire.sendto(packet, (where, {PORT}))

threading.Thread(target=send, daemon=True).start()
while True:
    os.write(device, wire.recv(65536))
"""


def _address(number: int) -> str:
    return f"10.95.0.{number + 1}"


class Postman:
    """Each machine knows where all the others are."""

    name = "postman"
    commands: Mapping[str, str] = {"python3": "python3", "ip": "iproute2"}

    def plan(self, machines: Sequence[str], hub: str) -> tuple[list[Place], Place]:
        """There are no keys."""
        places = []
        for own in range(len(machines)):
            others = [f"{_address(n)}={where}" for n, where in enumerate(machines) if n != own]
            daemon = ("python3", f"{HERE}/postman.py", _address(own), *others)
            places.append(Place(_address(own), files={"postman.py": PROGRAM.encode()}, daemons=[daemon]))
        return places, Place("")


class Taken(Postman):
    """One whose name is the lab's."""

    name = "n2n"
