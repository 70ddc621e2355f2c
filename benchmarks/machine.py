"""What the figures were measured on, and of which commit."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path


def machine() -> str:
    """Processor, cores and memory, in words."""
    try:
        model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        kib = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    except OSError:
        model = kib = None
    name = model[1] if model else platform.machine()
    memory = f", {int(kib[1]) / 2**20:.0f} GiB" if kib else ""
    return f"{name}, {len(os.sched_getaffinity(0))} cores{memory}, Python {platform.python_version()}"


def commit() -> str:
    """The commit, and whether files differ from it."""
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty=, with changes"],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parent,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return told.stdout.strip()
