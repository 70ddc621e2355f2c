"""What an embedding worker is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from embedding_worker.text import MAX_CHARS
from recommender.keys import Keys


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is told.

    bootstrap: Kafka's addresses, separated by commas; redis_url; keys: names in Redis; items,
    item_vectors: full topic names; group: consumer group, the space is put after it. encoder, device: see
    `encoders.choose.make`; folder: where the probe's choice is kept. batch_items and linger_s bound a batch by
    count and age, max_chars an item's text (tokens are bounded by the encoder). dtype: f16 or f32, of the
    records on the topic. host, port: of the query server, 0 takes a free one.
    """

    bootstrap: str
    redis_url: str
    keys: Keys
    items: str = "items"
    item_vectors: str = "item-vectors"
    group: str = "coldspring-embedding"
    encoder: str = "multilingual"
    device: str = "auto"
    folder: Path | None = None
    batch_items: int = 64
    linger_s: float = 0.02
    max_chars: int = MAX_CHARS
    dtype: str = "f16"
    host: str = "127.0.0.1"
    port: int = 0
    threads: int | None = None
