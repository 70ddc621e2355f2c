"""A process that says what logs lead to: `python -m tests.property.answering`, a log a line, an outcome a line."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from tests.property.logs import Line
from tests.property.played import played

ROOT = Path(__file__).parents[2]


def asked(lines: Iterable[Line]) -> str:
    """A log as the question's one line."""
    return json.dumps([[line.kind, line.identity, None if line.value is None else base64.b64encode(line.value).decode()]
                       for line in lines])  # fmt: skip


def answered(question: str) -> str:
    """What the log leads to, as one line."""
    lines = [
        Line(kind, identity, None if value is None else base64.b64decode(value))
        for kind, identity, value in json.loads(question)
    ]
    outcome = played(lines)
    return json.dumps([outcome.digest, outcome.counts, sorted(outcome.dead)])


class Answering:
    """Such a process, with variables of its own in its environment."""

    def __init__(self, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.property.answering"],
            env={**os.environ, **environment},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, question: str) -> str:
        """Its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(question + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().rstrip("\n")
        assert answer, f"the process ended with {self._process.poll()}"
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=30)


def main() -> None:
    """Answer until the questions end."""
    for question in sys.stdin:
        sys.stdout.write(answered(question) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
