"""Free TCP ports on loopback, for the servers that we start ourselves."""

import random
import socket

LOOPBACK = "127.0.0.1"

FIRST, LAST = 20_000, 32_767
"""Below Linux's range for outgoing connections (32768 and up), so that no client takes a stopped server's port."""


def free_port() -> int:
    """A port on 127.0.0.1 that nothing listened on a moment ago. Raises OSError when none of 200 tries was free."""
    draw = random.SystemRandom()
    for _ in range(200):
        port = draw.randint(FIRST, LAST)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        return port
    raise OSError(f"no free port between {FIRST} and {LAST} on {LOOPBACK}")
