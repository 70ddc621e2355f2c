"""A kept HTTP/1.1 connection that costs its owner little: of an answer only the status and the length are read."""

from __future__ import annotations

import socket
from dataclasses import dataclass

CHUNK = 65_536
_HEAD_ENDS = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"


@dataclass(slots=True)
class Connection:
    """A kept connection with at most one request under way: when that was due, and what came of its answer."""

    sock: socket.socket
    due: float = 0.0
    came: bytes = b""
    needs: int = 0
    """How long the answer is, head and body; 0 before the head is there."""

    def ask(self, request: bytes, due: float) -> None:
        """Send a request."""
        self.due, self.came, self.needs = due, b"", 0
        self.sock.sendall(request)

    def answered(self) -> int:
        """Read what there is; the status once the answer is whole, 0 before. Raises `OSError` for a lost connection."""
        data = self.sock.recv(CHUNK)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        self.came = self.came + data if self.came else data
        if not self.needs:
            head = self.came.find(_HEAD_ENDS)
            if head < 0:
                return 0
            lower = self.came[: head + 2].lower()
            begin = lower.index(_LENGTH) + len(_LENGTH)
            self.needs = head + len(_HEAD_ENDS) + int(lower[begin : lower.index(b"\r\n", begin)])
        return int(self.came[9:12]) if len(self.came) >= self.needs else 0
