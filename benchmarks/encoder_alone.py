"""How fast the default encoder is by itself on texts of newly announced films: what no freshness can be better than.

    python -m benchmarks.encoder_alone [--texts 256] [--rounds 5]

Prints one JSON line. A process of its own, for torch must find the worker's environment at its import.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

from benchmarks.encoder_texts import announced, composed
from embedding_worker import ENVIRONMENT

BATCH = 64


def alone(texts: int = 256, rounds: int = 5) -> dict[str, float]:
    """Measure it now: `texts_per_s` in batches of 64, `one_ms` for a single text, `batch_ms` for a batch."""
    command = [sys.executable, "-m", "benchmarks.encoder_alone", "--texts", str(texts), "--rounds", str(rounds)]
    done = subprocess.run(command, env={**os.environ, **ENVIRONMENT}, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    from embedding_worker.encoders.choose import make

    encoder = make("multilingual", "cpu")
    texts = [composed(film) for film in announced(options.texts)]
    encoder.encode(texts[:BATCH])
    batches, singles = [], []
    for _ in range(options.rounds):
        began = time.perf_counter()
        for first in range(0, len(texts), BATCH):
            encoder.encode(texts[first : first + BATCH])
        batches.append(time.perf_counter() - began)
        for text in texts[:20]:
            began = time.perf_counter()
            encoder.encode([text])
            singles.append(time.perf_counter() - began)
    rate = len(texts) / statistics.median(batches)
    print(
        json.dumps(
            {
                "texts_per_s": round(rate, 1),
                "batch_ms": round(1000 * BATCH / rate, 2),
                "one_ms": round(1000 * statistics.median(singles), 2),
                "form": encoder.form,
            }
        )
    )


if __name__ == "__main__":
    main()
