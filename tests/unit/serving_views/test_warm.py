"""What answers run through is compiled before the first of them, for the very types that come."""

import subprocess
import sys

PROGRAM = """
import asyncio
import sys

from numba.core.dispatcher import Dispatcher

from recommender.query import Query
from serving.adjusting import House
from serving.warm import warm_up
from tests.unit.serving_views.planted import World

WARMED = (
    "features", "gather", "mf_part", "own_items", "readout", "sessions", "vector_space", "retrieval", "top_items",
    "ranking", "exploration", "clicked",
)


def compiled():
    modules = [module for name, module in sys.modules.items() if name.rpartition(".")[2] in WARMED]
    kernels = {each for module in modules for each in vars(module).values() if isinstance(each, Dispatcher)}
    return {(kernel.__name__, signature) for kernel in kernels for signature in kernel.signatures}


QUERIES = Query(user_id="u1", n=20), Query(user_id="u2", explain=True), Query(user_id="x", text="sea")


async def ask(world):
    lists = [await world.service.recommend(query) for query in QUERIES]
    assert all(one.items for one in lists)
    assert [len(one.seats) for one in lists] == [4, 2, 0]


world = World(house=House(exploration=0.2))
for n in range(4):
    world.announce(f"new{n}", "sea", 100 + n)
warm_up()
before = compiled()
asyncio.run(ask(world))
world.learn("u1", "sea3", at=5000)
asyncio.run(ask(world))
print(sorted(map(str, compiled() - before)))
"""


def test_answers_compile_nothing() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "[]", ran.stdout + ran.stderr
