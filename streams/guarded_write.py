"""Writes to Redis that are taken whole, and only while two keys hold what the writer expects: one round trip each.

The guard is optimistic: WATCH, compare, MULTI, write, EXEC. Whoever writes again and again to one place keeps a
connection for it, and sends the next WATCH and look behind each EXEC: what they find is what the next write begins
from, and EXEC refuses if it has changed since. That is as exact as looking each time, for a third of the waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis


class GuardedWriter:
    """The one who writes to a place; not for several threads at once. Errors are redis-py's."""

    def __init__(self, client: redis.Redis, head: str, owner: str) -> None:
        self._client: Any = client
        self._keys = head, owner
        self._connection: Any = None
        self._seen: list[bytes | None] | None = None
        """What the two keys held when the connection began to watch them; None: it does not."""

    def write(self, token: str, expected: bytes | None, queue: Callable[[Any], None]) -> bool:
        """Run what `queue` puts into a pipeline, if head and owner are as expected; False if nothing was written."""
        pipe = self._client.pipeline(transaction=True)
        queue(pipe)
        commands = [args for args, _ in pipe.command_stack]
        wanted = [expected, token.encode()]
        return self._try(wanted, commands) if self._seen == wanted and self._is_open else self._afresh(wanted, commands)

    def _afresh(self, wanted: list[bytes | None], commands: list[Any]) -> bool:
        # A connection that has watched something change refuses every EXEC until it is told to forget that.
        [_, _, self._seen] = self._send([("UNWATCH",), *self._look()])
        return self._seen == wanted and self._exec(commands)

    def _try(self, wanted: list[bytes | None], commands: list[Any]) -> bool:
        # A key may have been touched and be as it was (a claim of our own): look again before giving up.
        return self._exec(commands) or self._afresh(wanted, commands)

    def _exec(self, commands: list[Any]) -> bool:
        self._seen = None
        *_, done, _, seen = self._send([("MULTI",), *commands, ("EXEC",), *self._look()])
        self._seen = seen
        if done is None:
            return False
        for answer in done:
            if isinstance(answer, redis.ResponseError):
                raise answer
        return True

    def _look(self) -> list[Any]:
        return [("WATCH", *self._keys), ("MGET", *self._keys)]

    @property
    def _is_open(self) -> bool:
        return self._connection is not None and self._connection.is_connected

    def _send(self, commands: list[Any]) -> list[Any]:
        """All answers; raises the first error among them, after all were read."""
        if self._connection is None:
            self._connection = self._client.connection_pool.get_connection()
        connection, answers, errors = self._connection, [], []
        try:
            connection.send_packed_command(connection.pack_commands(commands))
            for _ in commands:
                try:
                    answers.append(connection.read_response())
                except redis.ResponseError as error:
                    answers.append(error)
                    errors.append(error)
        except BaseException:  # an answer may be missing: nothing more can be said over this connection
            self._seen, self._connection = None, None
            connection.disconnect()
            self._client.connection_pool.release(connection)
            raise
        if errors:
            self._seen = None
            raise errors[0]
        return answers
