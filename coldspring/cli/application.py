"""The commands by name; reading this file is reading the table of contents."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from coldspring.cli import (
    archive,
    config,
    dead_letters,
    demo,
    doctor,
    estimate,
    evaluate,
    lists,
    logs,
    past,
    run,
    state,
    top,
    topics,
    trace,
    up,
)

if TYPE_CHECKING:
    from typer._click.core import Command

HELP = """A streaming recommender that learns from every event.

[bold]coldspring demo[/bold] shows it at work; [bold]coldspring up[/bold] runs it;
[bold]coldspring COMMAND --help[/bold] has examples."""


EXAMPLES = "\n\n".join(
    (
        "[bold]Examples[/bold]",
        "coldspring demo",
        "coldspring produce events.jsonl",
        "coldspring recommend u1 --json",
    )
)


def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        from coldspring import __version__

        sys.stdout.write(f"coldspring {__version__}\n")
        raise typer.Exit


def build() -> Command:
    """The whole command line."""
    app = typer.Typer(
        help=HELP,
        rich_markup_mode="rich",
        no_args_is_help=True,
        invoke_without_command=True,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    looks = (doctor, config, top, trace)
    for noun in (demo, up, logs, archive, lists, past, evaluate, estimate, state, dead_letters, *looks, topics, run):
        noun.register(app)
    app.callback(epilog=EXAMPLES)(_root)
    return typer.main.get_command(app)
