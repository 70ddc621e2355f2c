"""An embedding worker whose encoder is a hundred times slower than it could be, and fails half the time.

python -m tests.chaos.bad_encoder BOOTSTRAP REDIS CLUSTER PREFIX SEED
"""

import asyncio
import random
import sys
import time
from collections.abc import Sequence

from embedding_worker.encoders.encoder import EncoderError
from embedding_worker.encoders.hashing import HashingEncoder
from embedding_worker.worker import run
from embedding_worker.worker_settings import WorkerSettings
from recommender.keys import Keys
from recommender.vectors import Vector


class BadEncoder(HashingEncoder):
    """Chance is seeded."""

    def __init__(self, seed: str) -> None:
        super().__init__()
        self._rng = random.Random(seed)

    def encode(self, texts: Sequence[str]) -> Vector:
        time.sleep(0.02 * len(texts))
        if self._rng.random() < 0.5:
            raise EncoderError("not this time")
        return super().encode(texts)


def main(bootstrap: str, redis: str, cluster: str, prefix: str, seed: str) -> None:
    told = WorkerSettings(
        bootstrap, redis, Keys(cluster, prefix), f"{prefix}items", f"{prefix}item-vectors", f"{prefix}bad"
    )
    asyncio.run(run(told, make_encoder=lambda: BadEncoder(seed)))


if __name__ == "__main__":
    main(*sys.argv[1:])
