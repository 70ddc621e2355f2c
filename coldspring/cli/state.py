"""`coldspring digest | forget`: the state of the running system."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coldspring.cli.command import CONNECTION, Json, command, known
from coldspring.cli.lists import connected
from coldspring.cli.output import print_json, print_line, print_table, progress
from coldspring.configuration import Configuration

if TYPE_CHECKING:
    from coldspring.client import Client


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "digest", "coldspring digest", "coldspring digest --json", shows=CONNECTION)(digest)
    command(app, "forget", "coldspring forget u1", "coldspring forget u1 --json")(forget)


def digest(config: Configuration, as_json: Json = False) -> None:
    """The digest of what the running system learned, with the position and the counts that it belongs to.

    `coldspring replay` of the same log prints the same digest.
    """
    from coldspring import wiring

    report = wiring.live_state(known(config).settings).report()
    if as_json:
        print_json(report)
        return
    print_table(("interactions", "events"), report["counts"].items())
    print_line(f"position {' '.join(map(str, report['position']['interactions']))}")
    print_line(f"digest {report['digest']}")


def forget(
    config: Configuration,
    user: Annotated[str, typer.Argument(metavar="USER", help="The user's id.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until their events count no more.")] = False,
    as_json: Json = False,
) -> None:
    """Forget a user: every event up to now, and every file of the store that holds some of it.

    Kafka's own topics keep what they hold for their retention: see docs/forgetting.md.
    """
    with connected(config) as client:
        answer = client.forget(user)
        if wait:
            answer |= _waited(client, answer["receipt"])
    if as_json:
        print_json({"user_id": user, **answer})
        return
    told = _STATES.get(answer.get("state", ""), "is being forgotten")
    print_line(f"{user} {told}, receipt {answer['receipt']}")
    if "detail" in answer:
        print_line(answer["detail"])


_LOOK_S = 0.2
_STATES = {
    "done": "is forgotten: in no answer, no row, no count",
    "kept_in_counts": "is out of every answer and row; the counts keep their events",
}


def _waited(client: Client, receipt: str) -> dict[str, Any]:
    with progress("forgetting", 1000) as show:
        while True:
            told = client.forgetting(receipt)
            show(int(1000 * told["progress"]), told["state"])
            if told["state"] == "kept_in_counts" or (told["state"] == "done" and told["files_rewritten"]):
                return told
            time.sleep(_LOOK_S)
