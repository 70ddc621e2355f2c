"""atheris for a few seconds; `make fuzz` runs it for longer."""

import os
import subprocess
import sys

RUNS = int(os.environ.get("COLDSPRING_FUZZ", "8")) * 2_500


def test_the_decoders_withstand_bytes_that_reach_new_lines() -> None:
    # A process begins with the peak of memory of the one that started it, which is this whole run of tests: the limit
    # is for what the fuzzer itself asks for at once.
    memory = ["-rss_limit_mb=0", "-malloc_limit_mb=2048"]
    options = [f"-runs={RUNS}", "-seed=4", "-max_len=2000", "-verbosity=0", *memory]
    command = [sys.executable, "-m", "tests.fuzz.decoders_by_coverage", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3_000:]
