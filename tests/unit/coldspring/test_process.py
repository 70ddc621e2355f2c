"""What a role does to its own process."""

import subprocess
import sys

import pytest

from coldspring.process import AUTOGROUP

STEPPED_BACK = """
import os
from coldspring.process import AUTOGROUP, step_back
before = os.nice(0)
step_back(3)
print(os.nice(0) - before, AUTOGROUP.read_text().split()[-1] if AUTOGROUP.exists() else None)
"""


@pytest.mark.parametrize("alone", [True, False], ids=["session of its own", "somebody else's session"])
def test_a_role_that_steps_back_does_so_among_sessions_too(alone: bool) -> None:
    command = [sys.executable, "-c", STEPPED_BACK]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, start_new_session=alone)
    niceness, of_session = done.stdout.split()
    assert niceness == "3"
    if AUTOGROUP.exists():
        before = AUTOGROUP.read_text().split()[-1]
        assert of_session == ("3" if alone else before)  # nobody else's session is touched


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
