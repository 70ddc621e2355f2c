"""`coldspring produce | replay`: event logs into Kafka, or straight through the code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from coldspring.cli.command import CONNECTION, Json, Logs, command, known
from coldspring.cli.output import print_json, print_line, print_note, print_table, progress
from coldspring.configuration import Configuration
from coldspring.errors import CommandError

Until = Annotated[int | None, typer.Option("--until", min=1, metavar="N", help="Only the first N lines.")]
SHOWN_EVERY = 200


def register(app: typer.Typer) -> None:
    """Add the commands."""
    produce_examples = (
        "coldspring produce events.jsonl",
        "zcat old/*.gz | coldspring produce -",
        "coldspring produce events.jsonl.gz --until 1000 --rate 200",
    )
    command(app, "produce", *produce_examples, shows=CONNECTION)(produce)
    replay_examples = (
        "coldspring replay events.jsonl",
        "coldspring replay events.jsonl --until 1000 --json",
        "coldspring replay /backup/log",
        "coldspring replay events.jsonl --bootstrap localhost:9092 --redis redis://localhost:6379/0",
    )
    command(app, "replay", *replay_examples, shows=CONNECTION)(replay)


def produce(
    config: Configuration,
    logs: Logs,
    until: Until = None,
    rate: Annotated[float | None, typer.Option("--rate", min=0.1, help="Lines a second. Default: all at once.")] = None,
    as_json: Json = False,
) -> None:
    """Send event logs to Kafka. Returns when Kafka has everything.

    A line that fits no topic goes to the dead letters, as does, later, one that is wrong inside.
    """
    from coldspring import wiring
    from coldspring.backlog import Backlog, Pace
    from coldspring.live_state import STATEFUL
    from coldspring.log_file import read_logs, size_of
    from coldspring.log_records import send_lines

    config = known(config)
    settings = config.settings
    backlog = None
    if config.origins["bootstrap"] == "running system":  # perhaps an embedded one, whose memory is small
        backlog = Backlog(wiring.live_state(settings).positions, wiring.end_offsets(settings, STATEFUL))
    pace = Pace(rate)
    with wiring.producer(settings) as producer, progress("produce", size_of(logs)) as show:
        advance = _advance(show)

        def each(line: Any, _sent: Any) -> None:
            advance(line)
            pace.wait()

        sent = send_lines(read_logs(logs, until), producer, wiring.topics(settings), backlog, each)
    if as_json:
        print_json(sent.as_dict())
    else:
        print_table(("sent", "records"), sent.as_dict().items())


def replay(
    config: Configuration,
    logs: Logs,
    until: Until = None,
    direct: Annotated[bool, typer.Option("--direct", help="The same code without a broker: the default.")] = False,
    as_json: Json = False,
) -> None:
    """Play event logs through the system and print the digest of what was learned.

    With --bootstrap the log goes through that Kafka, under a prefix of its own, read by a worker that is started for
    it; the state lies in --redis, or in an embedded store. LOG may also be one folder that `coldspring archive` wrote.
    """
    from coldspring.log_file import read_logs, size_of
    from coldspring.log_replay import is_archive, replay_lines

    through_broker = config.origins["bootstrap"] == "option"
    if direct and through_broker:
        raise typer.BadParameter("--direct and --bootstrap exclude each other")
    if is_archive(logs):
        if through_broker or until is not None:
            raise typer.BadParameter("an archive is replayed whole, and without a broker")
        _show(_archive(config, logs[0]), as_json)
        return
    lines = read_logs(logs, until)
    with progress("replay", size_of(logs)) as show:
        advance = _advance(show)
        if through_broker:
            report = _through_broker(config, lines, advance)
        else:
            report = replay_lines(lines, config.settings, advance).report()
    _show(report, as_json)


def _show(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    print_table(("interactions", "events"), report["counts"].items())
    print_line(f"digest {report['digest']}")


def _archive(config: Configuration, folder: str) -> dict[str, Any]:
    from coldspring.log_replay import replay_archive

    with progress("replay", None) as show:
        return replay_archive(folder, config.settings, lambda count: show(count, f"{count} records")).report()


def _through_broker(config: Configuration, lines: Any, advance: Callable[[Any], None]) -> dict[str, Any]:
    from coldspring.broker_replay import replay_through_broker
    from coldspring.system import StopRequested, signalled

    with signalled() as stop:
        try:
            return replay_through_broker(config, lines, print_note, stop, lambda line, _sent: advance(line))
        except StopRequested:
            raise CommandError("interrupted") from None


def _advance(show: Callable[[int, str], None]) -> Callable[[Any], None]:
    done = count = 0

    def advance(line: Any) -> None:
        nonlocal done, count
        done += len(line.value or b"") + 1
        count += 1
        if count % SHOWN_EVERY == 0:
            show(done, f"{count} lines")

    return advance
