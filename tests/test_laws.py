"""Each law of docs/architecture.md is proved by tests, and these exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAW = re.compile(r"^\| (\d) ([^|]+) \|", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> list[str]:
    """The table's lines."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    return [line for line in page.splitlines() if LAW.match(line)]


def test_the_eight_laws_are_there_and_each_names_its_tests() -> None:
    assert [row[2] for row in rows()] == list("12345678")
    assert all(TEST.search(row) for row in rows())


@pytest.mark.parametrize(("path", "name"), sorted({found for row in rows() for found in TEST.findall(row)}))
def test_a_test_that_a_law_names_exists(path: str, name: str) -> None:
    module = ast.parse((ROOT / path).read_text())
    assert name in {node.name for node in module.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name.startswith("test_")
