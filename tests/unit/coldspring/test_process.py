"""What a role does to its own process."""

import subprocess
import sys

import pytest

STEPPED_BACK = """
import os, sys, threading
from coldspring.process import step_back

def told():
    print(os.nice(0) - before, os.sched_getscheduler(0) == os.SCHED_IDLE)

before = os.nice(0)
step_back(3, idle=sys.argv[1] == "True")
told()
thread = threading.Thread(target=told)
thread.start()
thread.join()
"""


@pytest.mark.parametrize("idle", [True, False])
def test_a_role_steps_back_with_all_its_threads(idle: bool) -> None:
    command = [sys.executable, "-c", STEPPED_BACK, str(idle)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.split() == ["3", str(idle)] * 2


ONE_THREAD = """
import sys, types
roles = types.ModuleType("coldspring.roles")

async def role(settings, stop):
    import numpy, threadpoolctl
    print(*(one["num_threads"] for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"))

roles.ROLES = {"worker": role}
sys.modules["coldspring.roles"] = roles
from coldspring.process import run_role
from coldspring.settings import Settings
run_role("worker", Settings())
"""


def test_products_of_small_matrices_keep_no_other_core_busy() -> None:
    done = subprocess.run([sys.executable, "-c", ONE_THREAD], stdout=subprocess.PIPE, text=True, check=True)
    assert set(done.stdout.split()) == {"1"}


KEPT = """
import gc, sys, types, asyncio
roles = types.ModuleType("coldspring.roles")

class Node: pass

async def role(settings, stop):
    for _ in range(2):
        print(gc.get_freeze_count() > 10_000)
        node = Node()
        node.own = node  # a ring of references, made before and after
        del node
        await asyncio.sleep(0.3)
    print(gc.collect() > 0)

roles.ROLES = {"worker": role}
sys.modules["coldspring.roles"] = roles
from coldspring import process
from coldspring.settings import Settings
process.STARTED_S = 0.1
process.run_role("worker", Settings())
"""


def test_what_is_there_after_the_start_is_not_looked_through_again_and_garbage_is() -> None:
    done = subprocess.run([sys.executable, "-c", KEPT], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "True"]
