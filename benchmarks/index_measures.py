"""What is measured of an index of vectors: recall, building, the way from `add` to the search, mixed work."""

from __future__ import annotations

import ctypes
import gc
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import psutil

from benchmarks.index_peers import Searched
from recommender.vectors import Vector

K: Final = 10
QUESTIONS: Final = 10
"""For each new vector, in the mixed work."""
PAUSE_S: Final = 0.004
"""From one addition to the next, where the way to the search is measured."""
MOST_EFFORT, MOST_LOOKS = 1_000, 1_000


@dataclass(frozen=True, slots=True)
class World:
    """The vectors: there from the beginning, added one by one, added in the mixed work, and asked for."""

    base: Vector
    added: Vector
    mixed: Vector
    queries: Vector


@dataclass(frozen=True, slots=True)
class Built:
    """What building an index took."""

    per_s: float
    memory: float
    saved: float


def exact(base: Vector, queries: Vector) -> list[set[int]]:
    """The rows of the ten nearest, by comparing with all."""
    return [set(np.argpartition(base @ query, -K)[-K:].tolist()) for query in queries]


def recall(index: Searched, queries: Vector, truth: list[set[int]]) -> float:
    """The share of the true ten that a search finds."""
    found = [index.rows(index.search(query, K)) for query in queries]
    return sum(len(one & real) for one, real in zip(found, truth, strict=True)) / (K * len(truth))


def build(index: Searched, vectors: Vector) -> Built:
    """Fill an index and save it; vectors a second, and bytes a vector in memory and on disk."""
    process = psutil.Process()
    _give_back()
    before, began = process.memory_info().rss, time.perf_counter()
    index.build(vectors)
    took = time.perf_counter() - began
    grown = process.memory_info().rss - before
    with tempfile.TemporaryDirectory(prefix="coldspring-bench-") as folder:
        saved = index.save(Path(folder))
    return Built(len(vectors) / took, grown / len(vectors), saved / len(vectors))


def _give_back() -> None:
    """Return what was freed to the system, or what is built next would be seen to grow in it by too little."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def effort_for(index: Searched, wanted: float, queries: Vector, truth: list[set[int]]) -> tuple[int, float]:
    """The smallest effort that reaches a recall, by halving, and the recall it gives; it stays set.

    An index that never reaches it (rounded numbers set a limit) gets the smallest effort for its own best.
    """

    def reached(effort: int) -> float:
        index.effort(effort)
        return recall(index, queries, truth)

    low, high = K, MOST_EFFORT
    wanted = min(wanted, reached(high))
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) >= wanted else (middle + 1, high)
    return low, reached(low)


@dataclass(frozen=True, slots=True)
class Added:
    """Of each vector: seconds from adding it until it is found, and of the addition alone; how often it was not found
    at the first look."""

    found: list[float]
    alone: list[float]
    again: int


def searchable(index: Searched, first: int, vectors: Vector) -> Added:
    """Add vectors one at a time, from row `first` on, and look for each at once."""
    found, alone, again = [], [], 0
    due = time.perf_counter()
    for row, vector in enumerate(vectors, first):
        due += PAUSE_S
        time.sleep(max(0.0, due - time.perf_counter()))
        began = time.perf_counter()
        index.add(row, vector)
        alone.append(time.perf_counter() - began)
        looks = 1
        while row not in index.rows(index.search(vector, K)) and looks < MOST_LOOKS:
            looks += 1
        found.append(time.perf_counter() - began)
        again += looks > 1
    return Added(found, alone, again)


class Mixed:
    """The mixed work on one index: each call does the next share of it, with vectors that are new every time."""

    def __init__(self, index: Searched, first: int, share: int, world: World) -> None:
        self._index = index
        self._first = first
        self._share = share
        self._world = world
        self._done = 0

    def __call__(self) -> float:
        """Questions a second, while vectors come in."""
        index, queries = self._index, self._world.queries
        began, asked = time.perf_counter(), 0
        for row in range(self._done, self._done + self._share):
            index.add(self._first + row, self._world.mixed[row])
            for _ in range(QUESTIONS):
                index.search(queries[asked % len(queries)], K)
                asked += 1
        self._done += self._share
        return asked / (time.perf_counter() - began)


def still(index: Searched, queries: Vector) -> float:
    """Questions a second, while nothing comes in."""
    began = time.perf_counter()
    for query in queries:
        index.search(query, K)
    return len(queries) / (time.perf_counter() - began)


def scan(base: Vector, queries: Vector) -> float:
    """Questions a second of comparing with all, the floor that needs no index."""
    began = time.perf_counter()
    for query in queries:
        np.argpartition(base @ query, -K)
    return len(queries) / (time.perf_counter() - began)
