"""`coldspring estimate`: what another policy would have earned."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from coldspring.cli.command import CONNECTION, Json, command, known
from coldspring.cli.output import print_json, print_line, print_table, progress
from coldspring.configuration import Configuration
from coldspring.errors import CommandError

_SPAN = re.compile(r"(\d{1,6})([smhd])")
_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_METHODS = {"ips": "inverse propensities", "snips": "self-normalised", "dr": "doubly robust"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "coldspring estimate --policy uniform",
        "coldspring estimate --policy score --weight content=2 --weight trend_day=0 --since 7d --json",
        "coldspring estimate --policy popularity --lists decisions.jsonl.gz events.jsonl",
    )
    command(app, "estimate", *examples, shows=(*CONNECTION, "archive", "weights"))(estimate)


def estimate(
    config: Configuration,
    logs: Annotated[
        list[str] | None, typer.Argument(metavar="[LOG…]", help="Event logs, with --lists.", show_default=False)
    ] = None,
    policy: Annotated[
        str, typer.Option("--policy", metavar="NAME", help="logged, uniform, score, popularity or fewest.")
    ] = "logged",
    weight: Annotated[
        list[str] | None,
        typer.Option("--weight", metavar="PART=FACTOR", help="With --policy score: weigh a part so; repeatable."),
    ] = None,
    recorded: Annotated[
        Path | None, typer.Option("--lists", metavar="FILE", help="Records of decisions: JSON Lines, plain or .gz.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="Only lists so young: 12h, 7d. Default: all.")] = None,
    window: Annotated[str, typer.Option("--window", help="How long after a list a choice counts: 30m, 24h.")] = "1h",
    kind: Annotated[
        list[str] | None, typer.Option("--type", help="Only events of this type count; repeatable. Default: choices.")
    ] = None,
    clip: Annotated[
        float | None, typer.Option("--clip", help="Cut importance weights here: steadier, and too low.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What another policy would have earned from the seats of lists that are given by chance.

    Reads decisions, and the interactions that name their request_id: of the running system, or from files. At other
    places chance decided nothing, so of them nothing can be said.

    Policies: logged (as it was), uniform (all that could have the seat alike), score (the best by score), popularity
    (the most chosen of the best by score), fewest (the least shown of these).
    """
    from coldspring.estimates import Join, TooLittleError
    from coldspring.estimates import estimate as estimated
    from coldspring.served_lists import follow_files, follow_topics
    from coldspring.wiring import event_types
    from recommender.seat_policies import SeatPolicy

    if (recorded is None) != (not logs):
        raise typer.BadParameter("event logs go with --lists, and --lists with event logs")
    if clip is not None and not clip > 0.0:
        raise typer.BadParameter("--clip is above 0")
    try:
        chosen = SeatPolicy(policy, _factors(weight or []))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    settings = config.settings if logs else known(config).settings
    types = event_types(settings)
    if unknown := sorted(set(kind or []) - set(types.names)):
        raise typer.BadParameter(f"there is no type {unknown[0]}: one of {', '.join(types.names)}")
    window_ms, young_ms = _span(window), _span(since) if since else None
    join = Join(types, kind or (), window_ms)
    now = time.time_ns() // 1_000_000
    since_ms = 0 if young_ms is None else now - young_ms
    with progress("estimate", None) as show:
        if recorded is not None:
            # A window is over when lists were recorded after it: the file's own time.
            now = follow_files(recorded, logs or [], join, since_ms, lambda read: show(read, f"{read} records"))
        else:
            follow_topics(settings, join, since_ms, lambda read: show(read, f"{read} records"))
    lists, open_still = join.ended(now)
    try:
        found = estimated(lists, chosen, clip)
    except TooLittleError as error:
        more = f"; the windows of {open_still} lists are not over yet (--window)" if open_still else ""
        raise CommandError(f"{error}{more}") from None
    report = {"policy": policy, "weights": chosen.weights, "window_ms": window_ms, "open": open_still, **found}
    if as_json:
        print_json(report)
    else:
        _show(report)


def _show(report: dict[str, Any]) -> None:
    rows = [("as it was", *_row(report["seat"]))]
    rows += [(f"{report['policy']}, {_METHODS[name]}", *_row(one)) for name, one in report["estimates"].items()]
    print_table(("choices a seat", "value", "95 % from", "to", "worth samples", "weights cut"), rows)
    print_line(
        f"{report['seats']} seats in {report['lists']} lists: {report['support']:.1%} of their places were given by "
        f"chance, and of no other can be said what another policy would earn"
    )
    if report["open"]:
        print_line(f"{report['open']} lists were left out: their window is not over")


def _row(one: dict[str, Any]) -> tuple[Any, ...]:
    return one["value"], one["low"], one["high"], round(one["effective"]), f"{one['clipped']:.1%}"


def _factors(given: list[str]) -> dict[str, float]:
    factors = {}
    for each in given:
        name, equals, value = each.partition("=")
        try:
            factors[name] = float(value)
        except ValueError:
            equals = ""
        if not equals or not name or not abs(factors[name]) < 1e6:
            raise typer.BadParameter(f"--weight is PART=FACTOR, got {each}")
    return factors


def _span(text: str) -> int:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"a span of time is a number with s, m, h or d, got {text}")
    return int(found[1]) * _UNIT_MS[found[2]]
