"""`coldspring archive`: the log of the running system in files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coldspring.cli.command import CONNECTION, Json, command, known
from coldspring.cli.output import print_json, print_note, print_table, progress
from coldspring.configuration import Configuration


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "coldspring archive /backup/log",
        "coldspring archive /backup/log --erase-forgotten --json",
        "coldspring replay /backup/log",
    )
    command(app, "archive", *examples, shows=CONNECTION)(archive)


def archive(
    config: Configuration,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Made where it is missing; a later run adds to it.")],
    erase: Annotated[
        bool, typer.Option("--erase-forgotten", help="Take out what forgotten users said and did up to then.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the log (interactions, profiles, forgets, items) to files that replay and rebuild take in place of Kafka.

    Run it again, by cron for example, and it adds what is new. What it wrote stays, but for --erase-forgotten.
    """
    from coldspring.archive import write_archive

    with progress("archive", None) as show:
        report = write_archive(
            known(config).settings,
            folder,
            erase,
            lambda topic, records, size: show(records, f"{topic}: {records} records, {size / 1e6:.1f} MB"),
        )
    for gap in report["gaps"]:
        print_note(
            f"{gap['topic']} partition {gap['partition']}: Kafka holds nothing of {gap['begin']} to {gap['held'] - 1}"
        )
    if as_json:
        print_json(report)
        return
    rows = [("records written", report["records"]), ("bytes written", report["bytes"])]
    rows += [("lines erased", report["removed"])] if erase else []
    rows += [(f"{topic} up to", " ".join(map(str, ends))) for topic, ends in report["position"].items()]
    print_table(("archive", str(folder)), rows)
