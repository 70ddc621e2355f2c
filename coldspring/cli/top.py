"""`coldspring top`: the running system's figures, redrawn."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from coldspring.cli.command import Json, command
from coldspring.cli.lists import connected
from coldspring.cli.output import plain, print_json
from coldspring.configuration import Configuration

if TYPE_CHECKING:
    from rich.console import RenderableType

SIZES: Final = {"users": "users", "items": "items", "index_size": "in the index"}
FRESHNESS: Final = {"event_to_state": "event to state", "item_to_searchable": "new item to searchable"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "top", "coldspring top", "coldspring top --once", "coldspring top --json")(top)


def top(
    config: Configuration,
    once: Annotated[bool, typer.Option("--once", help="Show the figures once and end.")] = False,
    interval: Annotated[float, typer.Option("--interval", min=0.2, help="Seconds between two looks.")] = 1.0,
    as_json: Json = False,
) -> None:
    """Rates, lag, freshness, sizes and quality of the running system, until Ctrl-C."""
    with connected(config) as client:
        if as_json:
            print_json(client.status())
            return
        from rich.console import Console

        console = Console(width=None if sys.stdout.isatty() else 100)
        if once or not sys.stdout.isatty():
            console.print(view(client.status()))
            return
        from rich.live import Live

        with Live(console=console, refresh_per_second=4) as live:
            before: tuple[float, int] | None = None
            while True:
                status = client.status()
                now = time.monotonic(), int(status.get("applied", 0))
                if before is not None:
                    status["events_per_s"] = max(0, now[1] - before[1]) / (now[0] - before[0])
                before = now
                live.update(view(status))
                time.sleep(interval)


def view(status: Mapping[str, Any]) -> RenderableType:
    """The figures of a status as tables."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    figures = Table(show_header=False, title="Coldspring", title_justify="left")
    for name, value in lines(status):
        figures.add_row(Text(plain(name)), Text(plain(value)))
    parts: list[RenderableType] = [figures]
    if quality := status.get("quality"):
        models = list(quality["models"])
        rates = Table("slice", "tested", *models, title="hit rate at 10, live", title_justify="left")
        for part, told in quality["slices"].items():
            rates.add_row(part, f"{told['tested']:,}", *(_percent(told["hr@10"][model]) for model in models))
        parts += [rates, Text(_alarm(quality["drift"]), style="bold red" if quality["drift"]["alarm"] else "")]
    return Group(*parts)


def lines(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the status says of rates, lag, freshness and sizes, in words; what it lacks is left out."""
    told: list[tuple[str, str]] = []
    if "applied" in status:
        rate = f", {status['events_per_s']:,.0f} a second" if "events_per_s" in status else ""
        told.append(("events learned", f"{status['applied']:,}{rate}"))
    if "lag" in status:
        told.append(("lag", f"{status['lag']:,} records"))
    if "trainer_lag" in status:
        told.append(("trainer's lag", f"{status['trainer_lag']:,} records of examples"))
    if "staleness_ms" in status:
        told.append(("staleness", f"{status['staleness_ms']:,} ms"))
    for name, words in FRESHNESS.items():
        if (spread := status.get(name, {})).get("p50_ms") is not None:
            told.append((words, f"half within {spread['p50_ms']:g} ms, 99 of 100 within {spread['p99_ms']:g} ms"))
    told += [(words, f"{status[name]:,}") for name, words in SIZES.items() if name in status]
    dead = status.get("dead_letters", {})
    told.append(("set aside", ", ".join(f"{reason} {count:,}" for reason, count in dead.items()) or "0"))
    told.append(("repeats left out", f"{status.get('duplicates', 0):,}"))
    if "processes" in status:
        told.append(("processes", ", ".join(f"{role} {count}" for role, count in status["processes"].items())))
    if quality := status.get("quality"):
        version = f"{quality['version']}, of {quality['lessons']:,} lessons in {quality['examples']:,} examples"
        told.append(("weights", f"version {version}"))
    return told


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{100 * rate:.1f} %"


def _alarm(drift: Mapping[str, Any]) -> str:
    if (drop := drift.get("last")) is None:
        return "no drift"
    fell = f"the hit rate fell from {_percent(drop['before'])} to {_percent(drop['after'])}"
    return f"DRIFT: {fell}" if drift["alarm"] else f"no drift now; {fell} once"
