"""`coldspring trace EVENT_ID`, `coldspring trace --item ITEM`: the stages that something passed, with their times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from coldspring.cli.command import CONNECTION, Json, command, known
from coldspring.cli.output import print_json, print_line, print_table
from coldspring.configuration import Configuration


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = ("coldspring trace 6f1e", "coldspring trace --at 2:81734", "coldspring trace --item i9")
    command(app, "trace", *examples, shows=("http", *CONNECTION))(trace)


def trace(
    config: Configuration,
    event_id: Annotated[str | None, typer.Argument(help="An interaction's event_id.")] = None,
    item: Annotated[str | None, typer.Option("--item", help="An item's id, in place of an event.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="PARTITION:OFFSET of an interaction, where known.")] = None,
    user: Annotated[
        str | None, typer.Option("--user", help="Look for the event in this user's partition only.")
    ] = None,
    last: Annotated[int, typer.Option("--last", min=1, help="Records of each partition to look through.")] = 20_000,
    as_json: Json = False,
) -> None:
    """When an event was published, read, learned, stored; when an item arrived, was encoded, indexed, recommended."""
    from coldspring import tracing

    if sum(given is not None for given in (event_id, item, at)) != 1:
        raise typer.BadParameter("give one of EVENT_ID, --item ITEM and --at PARTITION:OFFSET")
    if item is not None:
        told = tracing.of_item(known(config), item)
    else:
        place = tracing.place(at) if at is not None else None
        told = tracing.of_event(known(config).settings, event_id, place, user, last)
    if as_json:
        print_json(told)
        return
    print_table(("stage", "time", "ms after the one before"), lines(told["stages"]))
    for name in ("topic", "partition", "offset", "trace_id", "note"):
        if told.get(name) is not None:
            print_line(f"{name} {told[name]}")


def lines(stages: dict[str, int | None]) -> list[tuple[str, str, Any]]:
    """A line a stage: its time (UTC), and how long after the stage before it.

    >>> lines({"published": 0, "read": 250, "learned": None})[1:]
    [('read', '1970-01-01 00:00:00.250', 250), ('learned', '-', '')]
    """
    told: list[tuple[str, str, Any]] = []
    before: int | None = None
    for stage, when in stages.items():
        if when is None:
            told.append((stage, "-", ""))
            continue
        written = datetime.fromtimestamp(when / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        told.append((stage, written, "" if before is None else when - before))
        before = when
    return told
