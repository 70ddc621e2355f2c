"""`coldspring run worker | trainer | embedding | serving | agent`: one process of the system, in the foreground."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from coldspring.cli.command import CONNECTION, command
from coldspring.configuration import Configuration


class Role(StrEnum):
    """The processes there are."""

    WORKER = "worker"
    EMBEDDING = "embedding"
    SERVING = "serving"
    TRAINER = "trainer"
    AGENT = "agent"


ROLE_HELP = "worker and trainer learn, embedding encodes, serving answers over HTTP, agent over Kafka."


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = ("coldspring run worker --bootstrap kafka:9092 --redis redis://redis:6379/0", "coldspring run serving")
    shows = ("http", *CONNECTION, "encoder", "encoder_url", "device", "data", "log_level")
    command(app, "run", *examples, shows=shows, rich_help_panel="Parts")(run)


def run(
    config: Configuration,
    role: Annotated[Role, typer.Argument(help=ROLE_HELP)],
) -> None:
    """Run one process of the system until SIGINT or SIGTERM; `coldspring up` runs them all."""
    from coldspring.process import run_role

    run_role(role.value, config.settings)
