"""How a function becomes a command: every setting is an option of it, and its examples are in its help."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coldspring.options import OPTIONS, env_name, flag

if TYPE_CHECKING:
    from coldspring.configuration import Configuration

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
Length = Annotated[int, typer.Option("-n", "--n", min=1, max=100, help="How many.")]
Logs = Annotated[
    list[str], typer.Argument(metavar="LOG…", help="Event logs: JSON Lines, plain or .gz; - is the standard input.")
]

CONNECTION = ("bootstrap", "redis", "prefix", "partitions")
"""The settings of commands that talk to Kafka and Redis."""


def command(
    app: typer.Typer, name: str, *examples: str, shows: Sequence[str] = ("http",), **more: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function whose first parameter is the `Configuration`.

    Every setting becomes an option; those in `shows` stand in the help, the others work but are listed by
    `coldspring config show` only.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        lines = ["[bold]Examples[/bold]", *(escape(example) for example in examples)]
        app.command(name, epilog="\n\n".join(lines), **more)(_with_settings(function, shows))
        return function

    return register


def _with_settings(function: Callable[..., None], shows: Sequence[str]) -> Callable[..., None]:
    @functools.wraps(function)
    def wrapped(**arguments: Any) -> None:
        from coldspring.settings import load

        options = {name: arguments.pop(f"setting_{name}") for name in OPTIONS}
        function(load(options), **arguments)

    signature = inspect.signature(function, eval_str=True)
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in list(signature.parameters.values())[1:]
    ]
    settings = [
        inspect.Parameter(
            f"setting_{name}",
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                str | None,
                typer.Option(
                    flag(name),
                    metavar=metavar,
                    help=f"{escape(told)} ({env_name(name)})",
                    hidden=name not in shows,
                    rich_help_panel="Settings",
                ),
            ],
        )
        for name, (metavar, told) in OPTIONS.items()
    ]
    parameters = own + settings
    wrapped.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del wrapped.__wrapped__  # typer would read the inner function's signature
    return wrapped


def escape(text: str) -> str:
    """Text that is shown as it is where rich markup is read.

    >>> escape("[LOG]")
    '\\\\[LOG]'
    """
    return text.replace("[", "\\[")


def known(config: Configuration) -> Configuration:
    """The configuration completed from the system that runs on this machine, where one does."""
    from coldspring.running import discover

    return discover(config)
