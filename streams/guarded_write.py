"""Writes to Redis that are taken whole, and only while two keys hold what the writer expects, in two round trips.

The guard is optimistic: WATCH and look, compare, MULTI, write, EXEC. redis-py's own pipeline sends WATCH, the look and
the rest one after another, which is a third round trip for every batch of every partition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import redis


def guarded_write(
    client: redis.Redis,
    head: str,
    owner: str,
    token: str,
    expected: bytes | None,
    queue: Callable[[Any], None],
    also: Mapping[str, bytes] | None = None,
) -> bool:
    """Run what `queue` puts into a pipeline, if head and owner (and `also` other keys) are as expected.

    False if nothing was written.

    Raises redis-py's errors.
    """
    pipe: Any = client.pipeline(transaction=True)
    queue(pipe)
    commands = [args for args, _ in pipe.command_stack]
    guarded = {head: expected, owner: token.encode(), **(also or {})}
    pool: Any = client.connection_pool
    connection = pool.get_connection()
    try:
        _, found = _answers(connection, [("WATCH", *guarded), ("MGET", *guarded)])
        if found != list(guarded.values()):
            _answers(connection, [("UNWATCH",)])
            return False
        *_, done = _answers(connection, [("MULTI",), *commands, ("EXEC",)])
    except BaseException:  # an answer may be missing, or a key watched still: nothing more is said over this connection
        connection.disconnect()
        raise
    finally:
        pool.release(connection)
    for answer in done or ():
        if isinstance(answer, redis.ResponseError):
            raise answer
    return done is not None


def _answers(connection: Any, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
    """All answers; raises the first error among them, after all were read."""
    connection.send_packed_command(connection.pack_commands(commands))
    answers, errors = [], []
    for _ in commands:
        try:
            answers.append(connection.read_response())
        except redis.ResponseError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return answers
