"""The house rules of the design, checked: imports go one way, nothing connects at import, files stay small."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ["coldspring", "embedding_worker", "online_models", "recommender", "serving", "streams"]
EVERYWHERE = [*PACKAGES, "benchmarks", "scripts", "deploy", "tests"]
MOST_LINES = 500

IMPORT_ALL = """
import importlib, pkgutil, socket, sys

def refuse(*_, **__):
    raise AssertionError("a connection at import")

for name in ("connect", "connect_ex", "bind", "sendto"):
    setattr(socket.socket, name, refuse)
socket.create_connection = socket.getaddrinfo = refuse
for package in sys.argv[1:]:
    importlib.import_module(package)
    for module in pkgutil.walk_packages([package], package + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def test_imports_go_one_way() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_connects_at_import(package: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, package], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_files_stay_small() -> None:
    long = {str(path.relative_to(ROOT)): count for path in sources(*EVERYWHERE) if (count := lines(path)) > MOST_LINES}
    assert not long


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def environment_reads(tree: ast.AST) -> Iterator[int]:
    """Lines that read the environment; setting a variable for a library, by assignment or setdefault, is no read."""
    setting = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            setting.add(node.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "setdefault":
            setting.add(node.func.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"} and node not in setting:
            yield node.lineno
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from (node.lineno for name in node.names if name.name in {"environ", "getenv", "environb"})


def test_only_the_front_door_reads_the_environment() -> None:
    others = [package for package in PACKAGES if package != "coldspring"]
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sources(*others)
        for line in environment_reads(ast.parse(path.read_text()))
    ]
    assert not found


@pytest.mark.parametrize(
    ("code", "reads"),
    [
        ("os.environ['A']", 1),
        ("os.getenv('A')", 1),
        ("from os import environ", 1),
        ("os.environ.get('A')", 1),
        ("os.environ['A'] = '1'", 0),
        ("os.environ.setdefault('A', '1')", 0),
    ],
)
def test_a_read_of_the_environment_is_seen(code: str, reads: int) -> None:
    assert len(list(environment_reads(ast.parse(code)))) == reads


def test_no_test_folder_shadows_a_package() -> None:
    assert not [package for package in PACKAGES if (ROOT / "tests" / package).exists()]
