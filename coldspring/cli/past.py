"""`coldspring checkpoint | decision`, and how lists of another time are shown."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from coldspring.cli.command import CONNECTION, Json, command, known
from coldspring.cli.output import print_json, print_line, print_list, print_table, progress
from coldspring.configuration import Configuration

SHOWS = (*CONNECTION, "archive", "checkpoints")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "decision", "coldspring decision 6f1c2a", "coldspring decision 6f1c2a --json", shows=CONNECTION)(
        decision
    )
    command(app, "checkpoint", "coldspring checkpoint", "coldspring checkpoint --json", shows=SHOWS)(checkpoint)


def decision(
    config: Configuration,
    request: Annotated[str, typer.Argument(metavar="REQUEST_ID", help="The request_id of a list that was served.")],
    as_json: Json = False,
) -> None:
    """A list that was served, with every part of its scores, the position and the versions that it was made with."""
    from coldspring.decisions import find_decision, told

    found = told(find_decision(known(config).settings, request))
    if as_json:
        print_json(found)
        return
    print_list(found["items"], f"Served to {found['user_id'] or 'nobody in particular'}")
    for seat in found.get("seats", ()):
        chance = found["propensities"][seat["place"]]
        print_line(f"place {seat['place'] + 1} by chance: propensity {chance:.4f}, one of {seat['pool']} items")
    print_line(f"position {' '.join(map(str, found['position']['interactions']))}")
    print_line(f"weights {found['versions']['weights']}, index {found['versions']['index'] or 'none'}")


def checkpoint(config: Configuration, as_json: Json = False) -> None:
    """Write checkpoints of every partition, so that --as-of and --without need not read the log from its beginning."""
    from coldspring.ask_past import write_checkpoints

    with progress("checkpoint", None) as show:
        report = write_checkpoints(
            known(config).settings, lambda partition, folded: show(folded, f"partition {partition}: {folded} records")
        )
    if as_json:
        print_json({"partitions": report})
        return
    rows = [(one["partition"], " ".join(map(str, one["positions"])), one["bytes"]) for one in report]
    print_table(("partition", "checkpoints at", "bytes"), rows)


def list_as_of(config: Configuration, position: str, query: dict[str, Any]) -> dict[str, Any]:
    """A list as of a position, with a bar on the terminal meanwhile."""
    from coldspring.ask_past import recommend_as_of

    with progress("fold", None) as show:
        return recommend_as_of(
            known(config).settings, position, query, lambda made: show(made.folded, f"{made.folded} records")
        )


def standing_without(config: Configuration, user: str, item: str, event: str, as_of: str | None, as_json: bool) -> None:
    """Print how an item stands with and without an event."""
    from coldspring.ask_past import explain_without

    with progress("fold", None) as show:
        found = explain_without(
            known(config).settings, user, item, event, as_of, lambda made: show(made.folded, f"{made.folded} records")
        )
    if as_json:
        print_json(found)
        return
    before, after = found["before"], found["after"]
    parts = dict.fromkeys(reason["part"] for side in (before, after) for reason in side["reasons"])
    scores = [{reason["part"]: reason["score"] for reason in side["reasons"]} for side in (before, after)]
    rows: list[tuple[Any, ...]] = [("place", _place(before), _place(after), "")]
    rows.append(("score", before["score"], after["score"], f"{found['difference']:+.4f}"))
    for part in parts:
        was, now = (score.get(part, 0.0) for score in scores)
        rows.append((part, was, now, f"{now - was:+.4f}"))
    print_table((item, "as it is", f"without {event}", "difference"), rows, f"{item} in the list of {user}")
    print_as_of(found["as_of"])


def print_as_of(told: dict[str, Any]) -> None:
    """What an answer about another time was made with, and what it cost."""
    print_line(f"position {' '.join(map(str, told['position']['interactions']))}; as of now: {', '.join(told['now'])}")
    versions = told["versions"]
    print_line(f"weights {versions['weights']}, index {versions['index'] or 'none'}")
    begun = " ".join(map(str, told["checkpoints"]))
    print_line(f"{told['folded']} records folded, from {begun}, in {told['took_s']} s")


def _place(standing: dict[str, Any]) -> str:
    if standing["left_out"]:
        return str(standing["left_out"])
    return f"{standing['place']} of {standing['candidates']}"
