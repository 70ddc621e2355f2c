"""`coldspring config show`: every setting, its value, and where that came from."""

from __future__ import annotations

import typer

from coldspring.cli.command import Json, command, known
from coldspring.cli.output import print_json, print_table
from coldspring.configuration import Configuration
from coldspring.options import OPTIONS, env_name, flag


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The settings in force.", no_args_is_help=True)
    examples = ("coldspring config show", "COLDSPRING_PREFIX=shop. coldspring config show --json")
    command(group, "show", *examples, shows=tuple(OPTIONS))(show)
    group.callback()(_group)
    app.add_typer(group, name="config")


def _group() -> None:
    """The settings in force."""


def show(config: Configuration, as_json: Json = False) -> None:
    """Every setting, its value, and where it came from: default, environment, option, or the running system."""
    shown = known(config).shown()
    if as_json:
        print_json(shown)
        return
    rows = [(name, one["value"], one["origin"], f"{flag(name)}, {env_name(name)}") for name, one in shown.items()]
    print_table(("setting", "value", "from", "set by"), rows)
