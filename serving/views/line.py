"""A connection to Redis of its own, on which questions that come at once travel together.

A question is one or more commands with nothing between them. Idle, it goes at once; while others are under way it
waits, and then goes together with all that waited: one write, one read. redis-py opens the connection (address,
password, TLS, version of the protocol); what comes is read here by the same parser, hiredis, as it arrives: through
redis-py's own connection every single answer has a timer and a coroutine of its own, 0.2 ms of processor time a
question.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, cast

import hiredis
import redis.asyncio as redis
from redis import exceptions

MOST: Final = 64
"""So many questions go together at most: Redis answers the last command of them before anybody hears."""
TIMEOUT_S: Final = 5.0

Command = tuple[str | bytes | int, ...]
pack: Final = cast("Callable[[Command], bytes]", hiredis.pack_command)
"""A command as bytes of Redis' protocol."""
_MULTI, _EXEC = pack((b"MULTI",)), pack((b"EXEC",))
_NOT_YET: Final = object()


class Question(NamedTuple):
    """Packed commands, and how many replies they have; the answer is the last of these."""

    packed: bytes
    replies: int


def transaction(commands: Sequence[Command]) -> Question:
    """A question whose commands see one and the same state; the answer is the list of theirs.

    >>> packed, replies = transaction([("GET", "a")])
    >>> packed.split()[2::2], replies
    ([b'MULTI', b'$3', b'$1', b'*1', b'EXEC'], 3)
    """
    return Question(b"".join((_MULTI, *map(pack, commands), _EXEC)), len(commands) + 2)


def single(*command: str | bytes | int) -> Question:
    """A question of one command; the answer is its."""
    return Question(pack(command), 1)


class Line:
    """Asks over one connection, taken from a client's pool when the first question comes, and opened again if lost.

    Questions that a lost connection leaves without an answer fail, as all do that have waited for `timeout_s`: who
    asked decides.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._pool: Any = client.connection_pool
        self._connection: Any = None
        self._wire: _Wire | None = None
        self._opening: asyncio.Task[None] | None = None
        self._waiting: deque[_Asked] = deque()

    def ask(self, question: Question) -> asyncio.Future[Any]:
        """The answer, or redis-py's error."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(_Asked(question, answer))
        wire = self._wire
        if wire is not None:
            wire.send()
        elif self._opening is None:
            self._opening = loop.create_task(self._open())
        return answer

    async def _open(self) -> None:
        try:
            if self._connection is None:
                self._connection = await self._pool.get_connection()
            else:
                await self._connection.disconnect(nowait=True)
                await self._connection.connect()
            timeout_s = self._pool.connection_kwargs.get("socket_timeout") or TIMEOUT_S
            # redis-py has no way in of its own for this.
            self._wire = _Wire(self._connection._writer.transport, self._waiting, timeout_s, self._lost)
            self._wire.send()
        except Exception as error:  # those who asked raise it
            _fail(self._waiting, error)
        finally:
            self._opening = None

    def _lost(self, wire: _Wire) -> None:
        if self._wire is wire:
            self._wire = None
            if self._waiting:
                self._opening = asyncio.get_running_loop().create_task(self._open())


class _Asked(NamedTuple):
    question: Question
    answer: asyncio.Future[Any]


class _Wire(asyncio.Protocol):
    """One connection's traffic, in place of redis-py's reader; sends what is `waiting`, and says when it is `lost`."""

    def __init__(self, transport: Any, waiting: deque[_Asked], timeout_s: float, lost: Callable[[_Wire], None]) -> None:
        self._transport = transport
        self._waiting = waiting
        self._timeout_s = timeout_s
        self._lost = lost
        self._sent: deque[_Asked] = deque()
        self._left = 0
        self._error: Exception | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._parser = hiredis.Reader(
            protocolError=exceptions.InvalidResponse, replyError=_refusal, notEnoughData=_NOT_YET
        )
        self._before = transport.get_protocol()
        transport.set_protocol(self)

    def send(self) -> None:
        """Send what waits, unless something is under way: then it goes when that is answered."""
        if self._sent or not self._waiting:
            return
        sent, waiting = self._sent, self._waiting
        while waiting and len(sent) < MOST:
            sent.append(waiting.popleft())
        self._left = sent[0].question.replies
        self._transport.write(b"".join([asked.question.packed for asked in sent]))
        self._timer = asyncio.get_running_loop().call_later(self._timeout_s, self._late)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self._parser.feed(data)
        sent = self._sent
        while sent:
            try:
                reply = self._parser.gets()
            except exceptions.InvalidResponse as error:
                self._break(error)
                return
            if reply is _NOT_YET:
                return
            if isinstance(reply, hiredis.PushNotification):
                continue
            self._left -= 1
            if isinstance(reply, Exception):
                self._error = self._error or reply
            if not self._left:
                _tell(sent.popleft().answer, reply, self._error)
                self._error = None
                self._left = sent[0].question.replies if sent else 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; redis-py's side of it hears of it too."""
        self._before.connection_lost(exc)
        self._break(exceptions.ConnectionError("Connection closed by server."))

    def _late(self) -> None:
        error = exceptions.TimeoutError("Timeout reading from socket")
        _fail(self._waiting, error)
        self._break(error)

    def _break(self, error: Exception) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._transport.abort()
        _fail(self._sent, error)
        self._lost(self)


def _tell(answer: asyncio.Future[Any], reply: Any, error: Exception | None) -> None:
    if error is None and isinstance(reply, list):
        error = next((value for value in reply if isinstance(value, Exception)), None)
    if answer.done():  # who asked has gone
        return
    if error is None:
        answer.set_result(reply)
    else:
        answer.set_exception(error)


def _fail(asked: deque[_Asked], error: Exception) -> None:
    while asked:
        _tell(asked.popleft().answer, None, error)


def _refusal(text: str) -> Exception:
    return (exceptions.BusyLoadingError if text.startswith("LOADING") else exceptions.ResponseError)(text)
