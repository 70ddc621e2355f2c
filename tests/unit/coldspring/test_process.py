"""What a role does to its own process."""

import subprocess
import sys
from pathlib import Path

import pytest

STEPPED_BACK = """
import os, time
from coldspring.process import AUTOGROUP, step_back

def session():
    return AUTOGROUP.read_text().split()[-1:] if AUTOGROUP.exists() else []

def allowed():
    try:
        AUTOGROUP.write_text("0")
    except BlockingIOError:  # the kernel takes a change ten times a second
        time.sleep(0.15)
        return allowed()
    except OSError:
        return False
    return True

alone = os.getsid(0) == os.getpid()
before = session()
expected = ["3"] if alone and before and allowed() else before
niceness = os.nice(0)
step_back(3)
print(os.nice(0) - niceness, session() == expected)
"""


@pytest.mark.parametrize("alone", [True, False], ids=["session of its own", "somebody else's session"])
def test_a_role_that_steps_back_does_so_among_sessions_too(alone: bool) -> None:
    """Where the kernel weighs sessions and lets this one be weighed; nobody else's session is touched."""
    command = [sys.executable, "-c", STEPPED_BACK]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, start_new_session=alone)
    assert done.stdout.split() == ["3", "True"]


@pytest.mark.parametrize("kernel", ["no file", "no groups", "not allowed"])
def test_where_sessions_are_not_weighed_a_role_steps_back_all_the_same(kernel: str, tmp_path: Path) -> None:
    autogroup = tmp_path / "autogroup"
    if kernel == "no groups":
        autogroup.touch()
    elif kernel == "not allowed":
        autogroup.mkdir()  # writing is refused
    program = f"""
import os, pathlib
from coldspring import process
process.AUTOGROUP = pathlib.Path({str(autogroup)!r})
before = os.nice(0)
process.step_back(3)
print(os.nice(0) - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True, start_new_session=True
    )
    assert done.stdout.split() == ["3"]


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
