"""`coldspring topics create`: the topics, before any worker reads."""

from __future__ import annotations

import typer

from coldspring.cli.command import Json, command
from coldspring.cli.output import print_json, print_table
from coldspring.configuration import Configuration


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The Kafka topics.", no_args_is_help=True)
    examples = ("coldspring topics create --bootstrap kafka:9092 --partitions 8",)
    command(group, "create", *examples, shows=("bootstrap", "prefix", "partitions", "item_partitions"))(create)
    group.callback()(_group)
    app.add_typer(group, name="topics", rich_help_panel="Parts")


def _group() -> None:
    """The Kafka topics."""


def create(config: Configuration, as_json: Json = False) -> None:
    """Make the topics that are missing; fails when one has another number of partitions than set."""
    from coldspring import wiring

    made = wiring.create_topics(config.settings)
    if as_json:
        print_json({"created": made})
        return
    rows = [
        (
            topic.name,
            topic.partitions,
            topic.config.get("cleanup.policy"),
            "made" if topic.name in made else "was there",
        )
        for topic in wiring.topics(config.settings).all()
    ]
    print_table(("topic", "partitions", "cleanup", ""), rows)
