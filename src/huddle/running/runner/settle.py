"""What a runner in a sandbox does before its program's first line: it moves in, and gives up what it may.

    source     the program's files, which it can't change
    directory  an empty one in memory, where they are copied and the program runs
    place_fd   an inherited socket, over which the supervisor gets a descriptor of `directory`, and in decimal
               how many bytes are used there now: what the program writes is gone with the sandbox for all
               who have no descriptor
    limits     of resource.setrlimit, by name without RLIMIT_

This file must not import huddle: a runner loads it by its path, in any interpreter from Python 3.10 on.
"""

import os
import resource
import shutil
import socket
from typing import Any


def settle(config: "dict[str, Any]") -> None:
    """Do all that."""
    shutil.copytree(config["source"], config["directory"], dirs_exist_ok=True)
    place = os.open(config["directory"], os.O_RDONLY | os.O_DIRECTORY)
    state = os.fstatvfs(place)
    used = (state.f_blocks - state.f_bfree) * state.f_frsize
    with socket.socket(fileno=config["place_fd"]) as sock:
        socket.send_fds(sock, [b"%d" % used], [place])
    os.close(place)
    for name, value in config["limits"].items():
        number = getattr(resource, "RLIMIT_" + name)
        hard = resource.getrlimit(number)[1]
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(number, (value, value))
