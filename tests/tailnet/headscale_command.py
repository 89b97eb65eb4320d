"""Stands in for the command `headscale` where there is none: its serving, by the API, and its API keys.

    headscale -c CONFIG serve | apikeys create --expiration TIME

It takes the settings that Huddle writes and refuses others, so that a slip there is seen; it has no DERP and
lets no machine in.
"""

import json
import signal
import socket
import ssl
import sys
import threading
from pathlib import Path
from types import FrameType

from tests.tailnet.headscale import Headscale, serving

KNOWN = {
    "server_url", "listen_addr", "metrics_listen_addr", "grpc_listen_addr", "tls_cert_path", "tls_key_path",
    "noise", "prefixes", "derp", "disable_check_updates", "logtail", "log", "database", "policy", "dns",
    "unix_socket", "unix_socket_permission",
}  # fmt: skip


def serve(config: dict[str, str]) -> None:
    """Until SIGTERM."""
    state = Headscale(policy=None)
    state.users.clear()
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, end)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(config["tls_cert_path"], config["tls_key_path"])
    ip, _, port = config["listen_addr"].rpartition(":")
    with serving(state, ip, int(port), context), socket.socket(socket.AF_UNIX) as listener:
        listener.bind(config["unix_socket"])
        listener.listen()
        threading.Thread(target=_tell, args=(listener, state.key), daemon=True).start()
        ended.wait()


def _tell(listener: socket.socket, key: str) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(key.encode())


def main(arguments: list[str]) -> None:
    """As the command line says."""
    match arguments:
        case ["-c", path, *words]:
            config = json.loads(Path(path).read_text())
    if config.keys() != KNOWN:
        sys.exit(f"FTL unknown or missing settings: {sorted(config.keys() ^ KNOWN)}")
    match words:
        case ["serve"]:
            try:
                serve(config)
            except OSError as error:
                sys.exit(f"2026-01-01T00:00:00Z FTL error listening error={error}")
        case ["apikeys", "create", "--expiration", time] if time.endswith("h"):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(config["unix_socket"])
                print(connection.recv(1000).decode())
        case _:
            sys.exit(f"unknown command {words}")


if __name__ == "__main__":
    main(sys.argv[1:])
