"""`coldspring doctor`: is everything here that Coldspring needs?"""

from __future__ import annotations

import dataclasses

import typer

from coldspring.cli.command import CONNECTION, Json, command, known
from coldspring.cli.output import print_json, print_table
from coldspring.configuration import Configuration
from coldspring.errors import CommandError


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = ("coldspring doctor", "coldspring doctor --bootstrap kafka:9092 --json")
    command(app, "doctor", *examples, shows=("http", *CONNECTION, "encoder", "data"))(doctor)


def doctor(config: Configuration, as_json: Json = False) -> None:
    """Check Python, the compiled index, the encoder's weights, disk, ports, Kafka with its topics, and Redis.

    Ends with 1 when something fails, after saying what to do.
    """
    from coldspring.doctor import examine

    findings = examine(known(config))
    if as_json:
        print_json([dataclasses.asdict(finding) for finding in findings])
    else:
        rows = [(one.outcome, one.check, one.found, one.advice) for one in findings]
        print_table(("", "check", "found", "what to do"), rows)
    failed = [finding.check for finding in findings if finding.outcome == "fail"]
    if failed:
        raise CommandError(f"failed: {', '.join(failed)}")
