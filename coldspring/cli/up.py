"""`coldspring up`: the whole system, until it is told to stop."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import typer

from coldspring.cli.command import CONNECTION, Json, command
from coldspring.cli.output import print_json, print_note, print_table
from coldspring.configuration import Configuration, without_password

if TYPE_CHECKING:
    from coldspring.system import System


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "coldspring up",
        "coldspring up --bootstrap kafka:9092 --redis redis://redis:6379/0",
        "coldspring up --json --http 127.0.0.1:0",
    )
    command(app, "up", *examples, shows=("http", *CONNECTION, "encoder", "data"))(up)


def up(config: Configuration, as_json: Json = False) -> None:
    """Run the whole system; Kafka or Redis, where none is named, are embedded and end with it.

    Ctrl-C or SIGTERM ends it. With --json one line on stdout says when it is ready.
    """
    from coldspring.system import StopRequested, System, signalled

    with suppress(StopRequested), signalled() as stop, System(config, print_note, stop) as system:
        system.wait_until_ready()
        if as_json:
            print_json(ready(system))
        else:
            print_ready(system)
        system.tend_for()


def print_ready(system: System) -> None:
    """Where everything is, for people."""
    settings = system.config.settings
    rows = [
        ("page and API", system.url),
        ("Kafka", settings.bootstrap),
        ("Redis", without_password(settings.redis)),
        ("logs", system.logs),
    ]
    print_table(("Coldspring runs", "Ctrl-C ends it"), rows)


def ready(system: System) -> dict[str, Any]:
    """What a program has to know of a system that runs."""
    settings = system.config.settings
    return {"http": system.url, "bootstrap": settings.bootstrap, "redis": settings.redis, "pid": os.getpid()}
