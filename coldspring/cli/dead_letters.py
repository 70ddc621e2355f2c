"""`coldspring dead-letters list | retry | reasons`: what was set aside, and back with it where it fits now."""

from __future__ import annotations

from typing import Annotated

import typer

from coldspring.cli.command import CONNECTION, Json, command, known
from coldspring.cli.output import print_json, print_line, print_table
from coldspring.configuration import Configuration

Reason = Annotated[
    str | None, typer.Option("--reason", help="Only those with this reason, one of `coldspring dead-letters reasons`.")
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many, the oldest first.")]
SHOWN = 80


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="What was set aside, and why.", no_args_is_help=True)
    listing = ("coldspring dead-letters list", "coldspring dead-letters list --reason bad_id --limit 20 --json")
    command(group, "list", *listing, shows=CONNECTION)(list_)
    sending = ("coldspring dead-letters retry --reason wrong_partition", "coldspring dead-letters retry --limit 100")
    command(group, "retry", *sending, shows=CONNECTION)(retry)
    command(group, "reasons", "coldspring dead-letters reasons", shows=())(reasons)
    app.add_typer(group, name="dead-letters")


def list_(config: Configuration, reason: Reason = None, limit: Limit = None, as_json: Json = False) -> None:
    """Every dead letter once, with its place in the source topic (for a log: the log and the line)."""
    from coldspring.dead_letters import chosen, read

    reason = checked(reason)
    found = chosen(read(known(config).settings), reason, limit)
    if as_json:
        print_json([letter.as_dict() for letter in found])
        return
    rows = [
        (letter.reason, f"{letter.topic}[{letter.partition}] {letter.offset}:{letter.index}", letter.detail,
         letter.text()[:SHOWN])
        for letter in found
    ]  # fmt: skip
    print_table(("reason", "place", "detail", "value"), rows)


def retry(config: Configuration, reason: Reason = None, limit: Limit = None, as_json: Json = False) -> None:
    """Send what fits now to the partition where it belongs; what still doesn't fit stays.

    Sending twice is harmless: an event is known by its event_id, one without gets an id made of its place.
    The letters stay in their topic.
    """
    from coldspring.dead_letters import retry as send

    reason = checked(reason)
    sent, left = send(known(config).settings, reason, limit)
    if as_json:
        print_json({"sent": sent, "left": left})
    else:
        print_line(f"{sent} sent, {left} left")


def reasons(config: Configuration, as_json: Json = False) -> None:  # noqa: ARG001 - commands have settings
    """The closed list of reasons."""
    from recommender.reasons import REASONS

    if as_json:
        print_json(REASONS)
    else:
        print_table(("reason", "meaning"), REASONS.items())


def checked(reason: str | None) -> str | None:
    """A reason of the list, or none; raises typer.BadParameter."""
    from recommender.reasons import REASONS

    if reason is not None and reason not in REASONS:
        raise typer.BadParameter(f"{reason} is none of {', '.join(REASONS)}", param_hint="--reason")
    return reason
