"""What commands print: tables for people, one JSON value for programs, progress on a terminal's stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 200


def print_json(value: Any) -> None:
    """One JSON value on one line of stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def print_line(text: str) -> None:
    """One line on stdout."""
    sys.stdout.write(f"{plain(text)}\n")
    sys.stdout.flush()


def print_note(text: str) -> None:
    """One line on stderr, for people."""
    sys.stderr.write(f"{plain(text)}\n")
    sys.stderr.flush()


def plain(value: Any) -> str:
    """A value as text that cannot steer a terminal: titles and ids come from outside.

    >>> plain("a\\x1b[2Jb")
    'a?[2Jb'
    """
    text = "" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
    return "".join(c if c.isprintable() else "?" for c in text)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """A table on stdout; cells are shown as they are, never read as markup."""
    from rich.table import Table
    from rich.text import Text

    console = _console()
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    console.print(table)


def print_list(items: Sequence[Mapping[str, Any]], title: str) -> None:
    """A list of recommendations; with reasons where they are there."""
    rows = [
        (place, item["item_id"], item.get("title"), item.get("score"), _reasons(item))
        for place, item in enumerate(items, 1)
    ]
    print_table(("", "item", "title", "score", "because of"), rows, title)


def _reasons(item: Mapping[str, Any]) -> str:
    if not item.get("reasons"):
        return ", ".join(item.get("sources", ()))
    parts = [
        f"{reason['part']} {reason['score']:+.3f}" + (f" ({', '.join(because)})" if because else "")
        for reason in item["reasons"]
        for because in [reason.get("because") or []]
    ]
    if item.get("counted", 0.0) < item.get("events", 0):
        parts.append(f"{item['counted']:g} of {item['events']} events counted")
    return "; ".join(parts)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int, str], None]]:
    """A bar on stderr where that is a terminal; gives a function (done, words beside the bar)."""
    if not sys.stderr.isatty():
        yield lambda _done, _words: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
               TimeElapsedColumn(), TextColumn("{task.fields[words]}", markup=False))  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as bar:
        task = bar.add_task(what, total=total, words="")
        yield lambda done, words: bar.update(task, completed=done, words=plain(words))


def _console() -> Console:
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)
