"""`coldspring demo`: the whole system on real ratings, with one command."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, closing, suppress
from typing import Annotated, Any

import typer

from coldspring.cli.command import Json, command
from coldspring.cli.output import print_json, print_line, print_note, print_table, progress
from coldspring.cli.up import ready
from coldspring.configuration import Configuration


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = ("coldspring demo", "coldspring demo --once", "coldspring demo --http 127.0.0.1:9000")
    command(app, "demo", *examples, shows=("http", "partitions", "encoder", "data"))(demo)


def demo(
    config: Configuration,
    once: Annotated[bool, typer.Option("--once", help="End after the evidence.")] = False,
    events: Annotated[int, typer.Option("--events", min=100, help="Ratings played fast.")] = 20_000,
    rate: Annotated[float, typer.Option("--rate", min=0.1, help="Ratings a second afterwards.")] = 20.0,
    as_json: Json = False,
) -> None:
    """Show everything at work: MovieTweetings' ratings played, lists that change, new films found within a second.

    Broker and store are embedded and end with it. Prints a line `evidence {…}`, then keeps serving until Ctrl-C.
    With --json stdout has one line when it is ready, and the evidence goes to stderr.
    """
    from coldspring import dataset
    from coldspring.demo.show import Demo
    from coldspring.system import StopRequested, System, signalled

    began = time.monotonic()
    say = print_note if as_json else print_line
    with suppress(StopRequested), signalled() as stop, System(config, print_note, stop, embedded=True) as system:
        system.wait_until_serving()
        if as_json:
            print_json(ready(system))
        say(f"The page is at {system.url}/ (after {time.monotonic() - began:.1f} s)")
        with closing(Demo(system, dataset.log(events))) as shown, ExitStack() as behind:
            with progress("ratings", events) as shown.show:
                shown.play(events)
                system.wait_until_ready()
                behind.enter_context(shown.trickling(rate))
                shown.measure()
                shown.await_lessons()
            evidence = shown.evidence()
            if not as_json:
                _tell(evidence, len(shown.timed))
            say(f"evidence {json.dumps(evidence)}")
            if not once:
                say(f"Serving at {system.url}/ until Ctrl-C. In another shell: coldspring recommend u1")
                system.tend_for()


def _tell(evidence: dict[str, Any], films: int) -> None:
    rows = [
        (name, *(f"{evidence[key][percent]:.0f} ms" for percent in ("p50", "p99")))
        for name, key in (
            ("published to searchable", "published_to_searchable_ms"),
            ("published to recommended", "published_to_recommended_ms"),
        )
    ]
    print_table((f"{films} new films", "p50", "p99"), rows)
    rates = [("default", evidence["hr@10"]), ("popularity", evidence["popularity_hr@10"])]
    print_table(("hit rate so far", f"HR@10 over {evidence['tested_events']} events"), rates)
