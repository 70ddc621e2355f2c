"""Encoding that does not give up and leaves nothing out in silence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import numpy as np

from embedding_worker.encoding_thread import EncodingThread
from recommender.vectors import Vector

log = logging.getLogger(__name__)

TRIES: Final = 20
STRIKES: Final = 3
CANARY: Final = "ok"
_FIRST_PAUSE_S: Final = 0.01
_LONGEST_PAUSE_S: Final = 2.0


async def encode_all(
    thread: EncodingThread, texts: Sequence[str], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> list[Vector | None]:
    """A vector for each text. A batch that fails is halved, a text that fails alone is tried again, with pauses.

    A text that failed 20 times, and then three times right after another one went well, gets None: it is
    the text. While the encoder fails at everything this waits, as for any infrastructure that is away.
    """
    if not texts:
        return []
    try:
        return list(await thread.encode(texts))
    except Exception as error:
        log.warning("%d texts could not be encoded: %s: %s", len(texts), type(error).__name__, str(error)[:200])
    if len(texts) > 1:
        middle = len(texts) // 2
        first = await encode_all(thread, texts[:middle], sleep)
        return first + await encode_all(thread, texts[middle:], sleep)
    return [await _encode_one(thread, texts[0], sleep)]


async def _encode_one(thread: EncodingThread, text: str, sleep: Callable[[float], Awaitable[None]]) -> Vector | None:
    failures, strikes, pause = 1, 0, _FIRST_PAUSE_S
    while strikes < STRIKES:
        await sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_S)
        # Only a failure right after another text went well speaks against the text.
        suspected = failures >= TRIES and await _works(thread)
        try:
            vectors = await thread.encode([text])
            return np.asarray(vectors[0], np.float32)
        except Exception:
            failures += 1
            strikes += suspected
    log.error("a text of %d characters can't be encoded: its item is set aside", len(text))
    return None


async def _works(thread: EncodingThread) -> bool:
    try:
        await thread.encode([CANARY])
    except Exception:
        return False
    return True
