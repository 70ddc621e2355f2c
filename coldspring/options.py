"""The settings by name, with what each is for; light enough to be read for every `--help`.

Their types, defaults and checks are in `settings.py`.
"""

from __future__ import annotations

from typing import Final

ENV_PREFIX: Final = "COLDSPRING_"

OPTIONS: Final[dict[str, tuple[str, str]]] = {
    "http": ("HOST:PORT", "Where the HTTP API and the page are served. Port 0 takes a free one."),
    "bootstrap": ("HOST:PORT", "Kafka's bootstrap servers, comma separated."),
    "redis": ("URL", "Redis, redis://host:port/db."),
    "prefix": ("TEXT", "Put before every topic name as it is."),
    "partitions": ("N", "Partitions of interactions, profiles and forgets."),
    "item_partitions": ("N", "Partitions of items and the other topics. Default: as many as of interactions."),
    "cluster": ("TEXT", "Id that the state in Redis lies under. Default: the Kafka cluster's own."),
    "group": ("TEXT", "Kafka consumer group of the workers; the embedding worker adds -embedding to it."),
    "data": ("FOLDER", "Folder for index snapshots, logs and what an embedded run keeps."),
    "forget_key": (
        "FILE",
        "Secret for remembering who was forgotten, the same for all workers. Default: made in the data folder.",
    ),
    "archive": ("FOLDER", "Archive of the log (coldspring archive), read where Kafka no longer reaches back."),
    "checkpoints": ("FOLDER", "Where checkpoints for looks at earlier states lie. Default: in the data folder."),
    "encoder": ("NAME", "multilingual, minilm, or any sentence-transformers name or folder."),
    "encoder_url": ("URL", "Where the embedding worker answers text queries, on loopback."),
    "encode_batch": ("N", "Items encoded at once, at most."),
    "device": ("NAME", "Where the encoder computes: auto, cpu or cuda."),
    "dedupe": ("N", "Length of the window of accepted event ids, a partition."),
    "max_users": ("N", "Users kept, all partitions together; then who did nothing lately leaves."),
    "max_items": ("N", "Items kept, a partition; then the least popular sixteenth leaves."),
    "influence": ("N", "Events of a type by a user on an item that count, the n-th 1/n. At most 10; 0: all in full."),
    "history": ("N", "Interactions shown of a user's history."),
    "batch": ("N", "Records of a partition learned in one write, at most."),
    "session": ("SECONDS", "A worker that is silent for so long loses its partitions."),
    "stall": ("SECONDS", "A worker with records to read that gets nowhere for so long ends, to be started again."),
    "weights": ("JSON", 'Weights of interaction types, own types too: {"purchase": 3, "wishlist": 1.5}.'),
    "examples": ("RATE", "Share of events, 0 to 1, that teach the trainer's weights; all are counted. 0: no trainer."),
    "tested": ("SHARE", "Share of events, 0 to 1, that the trainer tests before it learns them (live quality)."),
    "decisions": ("SHARE", "Share of served lists, 0 to 1, written to the topic decisions."),
    "exploration": ("SHARE", "Share of a list's seats, 0 to 1, that fresh items get by chance (1 of 10). 0: none."),
    "fatigue": ("DIAL", "How dearly items pay, 0 to 1, that a user was shown lately and did not choose."),
    "impressions": ("NAME", "What was shown: sent (your impression events), or served (every list served is one)."),
    "max_per_category": ("N", "Items of one category in a list, at most. Default: any number."),
    "rules": ("JSON", 'What raises or buries items: [{"category": "Horror", "boost": -1}] (docs/lists.md).'),
    "trace": ("URL", "OpenTelemetry collector that gets spans (OTLP over HTTP). Default: none."),
    "trace_share": ("SHARE", "Share of events and items, 0 to 1, that have spans of their own; batches always have."),
    "metrics": ("HOST:PORT", "Where workers and the agent show their metrics to Prometheus. Default: nowhere."),
    "log_level": ("NAME", "debug, info, warning or error."),
}
"""Setting -> (what its value looks like, what it is for)."""


def env_name(setting: str) -> str:
    """The environment variable of a setting.

    >>> env_name("log_level")
    'COLDSPRING_LOG_LEVEL'
    """
    return ENV_PREFIX + setting.upper()


def flag(setting: str) -> str:
    """The command-line option of a setting.

    >>> flag("log_level")
    '--log-level'
    """
    return "--" + setting.replace("_", "-")
