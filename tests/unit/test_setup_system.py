"""scripts/setup-system.sh: it installs what is missing, and leaves alone a machine that has everything."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "setup-system.sh"
TOOLS = ["bash", "sed", "cat", "env", "c++", "g++", "java", "mvn", "redis-server", "chromium", "fc-list"]


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder for PATH: the real tools, and an apt-get that only writes down how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, f"{tool} is missing: run scripts/setup-system.sh"
        (folder / tool).symlink_to(found)
    _program(folder / "apt-get", f'echo "$@" >> {tmp_path / "calls"}')
    _program(folder / "id", "echo 0")
    # not what PATH says: that may be a version manager's script, which needs the rest of PATH
    _program(folder / "python3", f'exec {Path(sys.base_prefix) / "bin" / "python3"} "$@"')
    return folder


def _program(path: Path, body: str) -> None:
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def _run(machine: Path, *arguments: str) -> tuple[int, list[str], str]:
    environment = {"PATH": str(machine), "HOME": os.environ.get("HOME", "/")}
    done = subprocess.run([SCRIPT, *arguments], env=environment, capture_output=True, text=True, check=False)
    calls = machine.parent / "calls"
    return done.returncode, calls.read_text().splitlines() if calls.exists() else [], done.stderr


@pytest.mark.parametrize("arguments", [[], ["build"]])
def test_a_complete_machine_is_left_alone(machine: Path, arguments: list[str]) -> None:
    assert _run(machine, *arguments) == (0, [], "")


@pytest.mark.parametrize("version", ["17.0.15", "17.0.21.1", "21", "25.0.1"])
def test_java_17_and_newer_are_enough(machine: Path, version: str) -> None:
    _program(machine / "java", f"""echo 'openjdk version "{version}" 2025-04-15' >&2""")
    assert _run(machine) == (0, [], "")


@pytest.mark.parametrize("version", ["1.8.0_392", "11.0.2"])
def test_an_old_java_gets_17_beside_it_and_nothing_is_upgraded(machine: Path, version: str) -> None:
    _program(machine / "java", f"""echo 'openjdk version "{version}" 2019-01-15' >&2""")
    code, (update, install), _ = _run(machine)
    assert (code, update) == (0, "update -qq")
    assert install.endswith("openjdk-17-jre-headless")
    assert "--no-upgrade" in install


def test_build_asks_for_no_java(machine: Path) -> None:
    (machine / "java").unlink()
    (machine / "redis-server").unlink()
    assert _run(machine, "build") == (0, [], "")


def test_without_root_it_says_what_to_install(machine: Path) -> None:
    (machine / "redis-server").unlink()
    _program(machine / "id", "echo 1000")
    code, calls, said = _run(machine)
    assert (code, calls) == (1, [])
    assert "redis-server" in said
