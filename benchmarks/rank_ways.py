"""What `benchmarks.rank` measures, each way in microseconds a call: ours in whole and in halves, River's, a scan."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from river import optim, reco

from benchmarks.layers import Layers
from benchmarks.rank_layers import layers_of
from benchmarks.rank_world import World, item_name
from recommender.events import Interaction
from recommender.partitioning import partition_of
from recommender.query import Query

N, TOP = 10, 100
SCANS = 20


class Ways:
    """All that is measured; each way gives the microseconds at the middle of its calls, and notes all of them."""

    def __init__(self, world: World, lists: int, runner: asyncio.Runner) -> None:
        self.calls: dict[str, list[float]] = {}
        self._world = world
        self._lists = lists
        self._runner = runner
        self._rng = np.random.default_rng(5)
        self._at = world.taken.times[-1]
        self._items = [item_name(number) for number in range(len(world.vectors))]
        self.river: Any = reco.BiasedMF(
            n_factors=10, bias_optimizer=optim.SGD(0.025), latent_optimizer=optim.SGD(0.025), seed=1
        )

    def teach_river(self) -> None:
        """Learn all events; and rank once, since River makes the rows of unknown items then."""
        for user, item, _ in self._world.events():
            self.river.learn_one(user, item, 1.0)
        self.river.rank(self._world.active[0], self._items)

    def users(self, count: int) -> list[str]:
        return [self._world.active[at] for at in self._rng.integers(len(self._world.active), size=count).tolist()]

    def lists(self) -> float:
        return self._runner.run(self._ask("list", learning=False))

    def lists_after_events(self) -> float:
        return self._runner.run(self._ask("after an event", learning=True))

    async def _ask(self, name: str, learning: bool) -> float:
        service, took = self._world.system.service, []
        for user in self.users(self._lists):
            if learning:
                self._fold(user)
            began = time.perf_counter()
            served = await service.recommend(Query(user_id=user, n=N))
            took.append(time.perf_counter() - began)
            assert len(served.items) == N
            assert served.known
        return self._note(name, took)

    def _fold(self, user: str) -> None:
        states = self._world.system.model.states
        self._at += 1_000
        item = self._items[int(self._rng.integers(len(self._items)))]
        states[partition_of(user, len(states))].fold([Interaction(user, "click", int(self._at), item)])

    def halves(self) -> float:
        """Reading what a question needs, and making the list from it; gives the latter."""
        return self._runner.run(self._halves())

    async def _halves(self) -> float:
        service, read, made = self._world.system.service, [], []
        for user in self.users(self._lists):
            began = time.perf_counter()
            ask = await service._asking.read(Query(user_id=user, n=N, request_id="r"))
            between = time.perf_counter()
            service._listing.make(ask)
            read.append(between - began)
            made.append(time.perf_counter() - between)
        self._note("read", read)
        return self._note("make", made)

    def model(self) -> float:
        trainer, at = self._world.trainer, int(self._world.taken.times[-1])
        return self._timed("model", self._lists, lambda user: trainer.scored(user, N, at=at))

    def scan(self) -> float:
        vectors = self._world.vectors
        picked = iter(self._rng.integers(len(vectors), size=SCANS).tolist())

        def best(_: str) -> npt.NDArray[np.intp]:
            return np.argpartition(vectors @ vectors[next(picked)], -TOP)[-TOP:]

        return self._timed("scan", SCANS, best)

    def rank(self) -> float:
        return self._timed("river", 1, lambda user: self.river.rank(user, self._items))

    def _timed(self, name: str, count: int, call: Callable[[str], object]) -> float:
        took = []
        for user in self.users(count):
            began = time.perf_counter()
            call(user)
            took.append(time.perf_counter() - began)
        return self._note(name, took)

    def _note(self, name: str, took: Sequence[float]) -> float:
        micros = [1e6 * one for one in took]
        self.calls.setdefault(name, []).extend(micros)
        return float(np.median(micros))

    def profile(self) -> dict[str, float]:
        """Microseconds a list by layer, the largest first."""
        with Layers(layers_of(self._world.system)) as layers:
            self._runner.run(self._ask("profile", learning=False))
        spent = {name: round(1e6 * seconds / self._lists, 1) for name, seconds in layers.seconds.items()}
        return dict(sorted(spent.items(), key=lambda pair: -pair[1]))
