"""`coldspring evaluate LOG…`: how good the lists would have been, event by event."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coldspring.cli.command import Json, Logs, command
from coldspring.cli.output import print_json, print_table, progress
from coldspring.configuration import Configuration
from coldspring.errors import CommandError

if TYPE_CHECKING:
    from recommender.evaluation import Ranked

Model = Annotated[str, typer.Option("--model", metavar="NAME", help="A model of online_models.make.")]
Until = Annotated[int | None, typer.Option("--until", min=1, help="Only the first N lines.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Only the first N interactions.")]
Every = Annotated[int, typer.Option("--every", min=1, help="Rank one event in so many; all are learned.")]
Top = Annotated[int, typer.Option("--k", min=1, max=1000, help="The lists' length.")]
Repeats = Annotated[bool, typer.Option("--repeats", help="Users may be shown what they had: shops, music.")]
Delay = Annotated[float, typer.Option("--delay", min=0.0, metavar="S", help="Events are learned S seconds late.")]
OwnAtOnce = Annotated[bool, typer.Option("--own-at-once", help="With --delay: a user's own are there for their list.")]
Window = Annotated[int, typer.Option("--window", min=2, help="Ranked events in a moving window.")]
Encode = Annotated[bool, typer.Option("--encode", help="Give items the vectors of the encoder (slower).")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw the moving windows into a PNG file.")]
Dump = Annotated[Path | None, typer.Option("--dump", metavar="FOLDER", help="Write run.txt and qrels.txt (TREC).")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "coldspring evaluate events.jsonl",
        "coldspring evaluate events.jsonl.gz --model popularity --json",
        "coldspring evaluate shop.jsonl --repeats --delay 60 --own-at-once --plot windows.png",
    )
    command(app, "evaluate", *examples, shows=("weights", "encoder"))(evaluate)


def evaluate(
    config: Configuration,
    logs: Logs,
    model: Model = "default",
    until: Until = None,
    limit: Limit = None,
    every: Every = 1,
    k: Top = 10,
    repeats: Repeats = False,
    delay: Delay = 0.0,
    own_at_once: OwnAtOnce = False,
    window: Window = 1_000,
    encode: Encode = False,
    plot: Plot = None,
    dump: Dump = None,
    as_json: Json = False,
) -> None:
    """Prequential evaluation: each event of the logs is first predicted, then learned.

    Items are announced to the model where they stand in the log. An item that was put there because of the event after
    it would tell the model that event: put such items first, or leave them out.
    """
    from coldspring.evaluation import Protocol, evaluate_lines, model_names
    from coldspring.log_file import read_logs, size_of

    if model not in model_names():
        raise typer.BadParameter(f"no model is called {model}; there are {', '.join(model_names())}")
    if own_at_once and not delay:
        raise typer.BadParameter("--own-at-once says something with --delay only")
    if plot is not None:
        from coldspring.evaluation import plot as drawing

        drawing.check()
    protocol = Protocol(every, k, limit, repeats, delay, own_at_once, window)
    with ExitStack() as stack:
        show = stack.enter_context(progress("evaluate", size_of(logs)))
        done = 0

        def each(size: int, words: str) -> None:
            nonlocal done
            done += size
            show(done, words)

        found = evaluate_lines(
            read_logs(logs, until),
            model,
            config.settings,
            protocol,
            encode=_encoder(config) if encode else None,
            record=_record(stack, dump, model),
            each=each,
        )
    if not found["events"]:
        raise CommandError("there is no interaction in these logs that could be predicted")
    if plot is not None:
        drawing.draw(found, k, plot)
    if as_json:
        print_json(found)
    else:
        _print(found)


def _encoder(config: Configuration) -> Any:
    from coldspring.evaluation.encoding import encoder

    return encoder(config.settings)


def _record(stack: ExitStack, folder: Path | None, model: str) -> Callable[[Ranked], None] | None:
    if folder is None:
        return None
    from coldspring.evaluation.runs import Runs

    try:
        return stack.enter_context(Runs(folder, model)).add
    except OSError as error:
        raise CommandError(f"{folder}: {error.strerror or error}") from None


def _print(found: dict[str, Any]) -> None:
    slices = ("cold_items", "cold_users")
    names = [name for name in found["cold_items"] if name != "errors"]
    rows: list[tuple[Any, ...]] = []
    for name in names:
        rows.append((name, found[name], *(found[part][name] for part in slices)))
        if name in found["errors"]:
            rows.append(("  ±", found["errors"][name], *(found[part]["errors"][name] for part in slices)))
    print_table((found["model"], "all", *slices), rows)
