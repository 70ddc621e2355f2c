"""The README keeps its promise: its five lines, copied, change a list."""

import json
import subprocess
from pathlib import Path

from tests.rig.system import COMMAND, RunningSystem, clean_environment, eventually

README = Path(__file__).parents[2] / "README.md"


def five_lines() -> list[str]:
    """The commands of "Five lines of use"."""
    block = README.read_text(encoding="utf-8").split("## Five lines of use")[1].split("```")[1]
    return block.strip().splitlines()


def test_five_copied_lines_change_a_list(system: RunningSystem) -> None:
    first, item, event, second, words = five_lines()
    assert first == second
    host = system.url.removeprefix("http://")
    environment = {**clean_environment(), "COLDSPRING_DATA": str(system.data)}

    def run(line: str) -> str:
        here = line.replace(".venv/bin/coldspring", COMMAND[0]).replace("localhost:8000", host)
        done = subprocess.run(["bash", "-c", here], capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ids() -> list[str]:
        answer: dict[str, list[dict[str, str]]] = json.loads(run(f"{first} --json"))
        return [entry["item_id"] for entry in answer["items"]]

    before = ids()
    assert run(first)
    assert json.loads(run(item))["ids"] == ["my-film"]
    json.loads(run(event))
    after = eventually(lambda: (now := ids()) != before and now)
    assert after
    assert "my-film" not in after
    assert "recommendations" in json.loads(run(words))
