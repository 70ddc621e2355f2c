"""Checks of what Coldspring needs; each says what it found and what to do about it."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from coldspring import wiring
from coldspring.configuration import Configuration
from coldspring.errors import ColdspringError, CommandError
from coldspring.options import OPTIONS, env_name
from coldspring.settings import split_address

Outcome = Literal["ok", "warn", "fail"]
LEAST_FREE_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `advice` says what to do unless all is well."""

    check: str
    outcome: Outcome
    found: str
    advice: str = ""


Check = Callable[[Configuration], Finding]


def examine(config: Configuration) -> list[Finding]:
    """Every check, in order; one that breaks is a finding too."""
    found = []
    for name, check in CHECKS.items():
        try:
            found.append(check(config))
        except Exception as error:
            found.append(Finding(name, "fail", f"{type(error).__name__}: {error}"[:200], "see the message"))
    return found


def python(_config: Configuration) -> Finding:
    """Python itself; an older one would not have come this far."""
    if sys.implementation.name == "cpython":
        return Finding("python", "ok", ".".join(map(str, sys.version_info[:3])))
    return Finding("python", "warn", sys.implementation.name, "only CPython was tried")


def hnswlib(_config: Configuration) -> Finding:
    """The index library, which is compiled where it is installed."""
    try:
        import hnswlib as library
        import numpy as np

        index = library.Index("ip", 2)
        index.init_index(2)
        index.add_items(np.eye(2, dtype=np.float32), [0, 1])
        label = int(index.knn_query(np.array([[0, 1]], np.float32), k=1)[0][0][0])
    except ImportError as error:
        return Finding("hnswlib", "fail", str(error), "install a C++ compiler, then pip install hnswlib again")
    if label != 1:
        return Finding("hnswlib", "fail", "built, but it does not find", "pip install --force-reinstall hnswlib")
    return Finding("hnswlib", "ok", "built, and it finds")


def settings(_config: Configuration) -> Finding:
    """Variables that look like settings but are none."""
    known = {env_name(name) for name in OPTIONS}
    stray = sorted(name for name in os.environ if name.upper().startswith("COLDSPRING_") and name.upper() not in known)
    if stray:
        return Finding("settings", "warn", f"no settings: {', '.join(stray)}", "coldspring config show names them all")
    return Finding("settings", "ok", "every COLDSPRING_ variable is a setting")


def kafka(config: Configuration) -> Finding:
    """Kafka is there, with topics as they must be."""
    from kafka import KafkaConsumer
    from kafka.errors import KafkaError

    place = config.settings.bootstrap
    if not _reachable(place.split(",")[0]):
        return _away("kafka", place, config.given("bootstrap"), "coldspring up starts one of its own")
    names = wiring.topics(config.settings)
    try:
        reader: KafkaConsumer = wiring.consumer(config.settings)
    except CommandError as error:
        return Finding("kafka", "fail", str(error), "is that address a Kafka broker's?")
    try:
        present = reader.topics()
        missing = [topic.name for topic in names.all() if topic.name not in present]
        wrong = [
            f"{topic.name} has {len(have)}, not {topic.partitions}"
            for topic in names.all()
            if topic.name in present and len(have := reader.partitions_for_topic(topic.name) or ()) != topic.partitions
        ]
    except KafkaError as error:
        return Finding("kafka", "fail", f"{place}: {type(error).__name__}", "is that address a Kafka broker's?")
    finally:
        reader.close()
    if wrong:
        return Finding(
            "kafka", "fail", "partitions: " + "; ".join(wrong), "set --partitions, --item-partitions to them"
        )
    if missing:
        return Finding("kafka", "warn", f"{place} has no {', '.join(missing)}", "coldspring topics create")
    return Finding("kafka", "ok", f"{place}, topics with their partitions")


def cleanup(config: Configuration) -> Finding:
    """Topics keep what they must keep."""
    place = config.settings.bootstrap
    if not _reachable(place.split(",")[0]):
        return Finding("cleanup", "warn", "not looked at: Kafka is away")
    try:
        policies = wiring.cleanup_policies(config.settings)
    except ColdspringError as error:
        return Finding("cleanup", "warn", f"not told: {error}", "an embedded broker tells none, and needs none")
    wanted = {topic.name: topic.config["cleanup.policy"] for topic in wiring.topics(config.settings).all()}
    wrong = [f"{name} is {policy}, not {wanted[name]}" for name, policy in policies.items() if policy != wanted[name]]
    if wrong:
        return Finding("cleanup", "fail", "; ".join(wrong), "kafka-configs --alter --add-config cleanup.policy=…")
    return Finding("cleanup", "ok", f"{len(policies)} topics keep what they must")


def redis(config: Configuration) -> Finding:
    """Redis is there, evicts nothing, and keeps a log of its writes."""
    from redis import RedisError

    from coldspring.configuration import without_password
    from streams.redis_store import connect

    place = without_password(config.settings.redis)
    client = connect(config.settings.redis, timeout_s=3.0)
    try:
        info = {**client.info("memory"), **client.info("persistence")}
    except (RedisError, OSError):
        return _away("redis", place, config.given("redis"), "coldspring up starts one of its own")
    finally:
        client.close()
    if info.get("maxmemory_policy") != "noeviction":
        advice = "config set maxmemory-policy noeviction: a full store must say so, not drop state"
        return Finding("redis", "fail", f"{place} evicts ({info.get('maxmemory_policy')})", advice)
    if not info.get("aof_enabled"):
        return Finding("redis", "warn", f"{place} has no append-only file", "config set appendonly yes")
    return Finding("redis", "ok", f"{place}, noeviction, append-only file")


def log(config: Configuration) -> Finding:
    """The log is the one that the state was learned from, and reaches back to where the state ends."""
    from aiokafka.errors import KafkaError
    from redis import RedisError

    from streams.log_check import OtherLogError

    if not _reachable(config.settings.bootstrap.split(",")[0]):
        return Finding("log", "warn", "not compared with the state: Kafka is away")
    try:
        missing = wiring.compare_log(config.settings)
    except OtherLogError as error:
        told, _, advice = str(error).partition(". Nothing of it was applied. ")
        return Finding("log", "fail", told, advice)
    except (KafkaError, RedisError, OSError, TimeoutError) as error:
        return Finding("log", "warn", f"not compared with the state: {type(error).__name__}")
    if missing:
        told = "; ".join(f"{topic}[{partition}]: {count}" for (topic, partition), count in missing.items())
        advice = "these events are lost to the state; longer retention (retention.ms=-1) keeps them"
        return Finding("log", "fail", f"records removed before they were learned: {told}", advice)
    return Finding("log", "ok", "the state was learned from it, and lacks nothing of it")


def forgets(config: Configuration) -> Finding:
    """Nobody who was forgotten counts any more."""
    from redis import RedisError

    if not _reachable(config.settings.bootstrap.split(",")[0]):
        return Finding("forgets", "warn", "not looked at: Kafka is away")
    try:
        owing = wiring.live_state(config.settings).unlearning()
    except (RedisError, OSError) as error:
        return Finding("forgets", "warn", f"not looked at: {type(error).__name__}")
    if gaps := {partition: gap for partition, gap in owing.items() if gap}:
        told = "; ".join(f"partition {partition}: {gap}" for partition, gap in gaps.items())
        advice = "give the workers an archive of the log that reaches back (--archive), or start on a new log"
        return Finding("forgets", "fail", f"events of forgotten users stay in the counts: {told}", advice)
    if owing:
        return Finding("forgets", "warn", f"partitions {', '.join(map(str, owing))} are being rebuilt", "wait")
    return Finding("forgets", "ok", "nobody who was forgotten counts")


def drift(config: Configuration) -> Finding:
    """Lists hit as often as they did: the trainer's alarm is off."""
    from redis import RedisError

    if not _reachable(config.settings.bootstrap.split(",")[0]):
        return Finding("drift", "warn", "not looked at: Kafka is away")
    try:
        quality = wiring.live_state(config.settings).quality()
    except (RedisError, OSError) as error:
        return Finding("drift", "warn", f"not looked at: {type(error).__name__}")
    if not quality.get("tested"):
        return Finding("drift", "ok", "nothing was tested yet")
    told = f"{quality['models']['default']['hr@10']:.3f} of the newest {quality['slices']['all']['window']} lists hit"
    if quality["drift"]["alarm"]:
        drop = quality["drift"]["last"]
        told = f"the hit rate fell from {drop['before']:.3f} to {drop['after']:.3f}; now {told}"
        return Finding("drift", "warn", told, "see docs/live-quality.md: did the stream change, or what feeds it?")
    return Finding("drift", "ok", told)


def encoder(config: Configuration) -> Finding:
    """The encoder loads its weights and encodes a text."""
    name = config.settings.encoder
    try:
        told = wiring.try_encoder(config.settings)
    except Exception as error:
        return Finding("encoder", "fail", f"{name}: {error}"[:200], "pip install coldspring again, or set --encoder")
    return Finding("encoder", "ok", told)


def disk(config: Configuration) -> Finding:
    """Room in the data folder."""
    folder = config.settings.data
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not os.access(existing, os.W_OK):
        return Finding("disk", "fail", f"{folder} can't be written", "set --data to a folder of yours")
    free = shutil.disk_usage(existing).free
    told = f"{folder}: {free / 1024**3:.1f} GiB free"
    if free < LEAST_FREE_BYTES:
        return Finding("disk", "warn", told, "make room, or set --data")
    return Finding("disk", "ok", told)


def port(config: Configuration) -> Finding:
    """The port of the API."""
    place = config.settings.http
    if not _reachable(place):
        return Finding("port", "ok", f"{place} is free")
    if _serves(place):
        return Finding("port", "ok", f"Coldspring answers at {place}")
    return Finding("port", "fail", f"something else listens on {place}", "set --http to another port, 0 for any")


def _away(check: str, place: str, chosen: bool, advice: str) -> Finding:
    if chosen:
        return Finding(check, "fail", f"{place} does not answer", "start it, or correct the address")
    return Finding(check, "warn", f"nothing at {place}", advice)


def _reachable(address: str) -> bool:
    try:
        with socket.create_connection(split_address(address.strip()), timeout=2.0):
            return True
    except OSError:
        return False


def _serves(address: str) -> bool:
    from coldspring.system import answers

    return answers(f"http://{address}/healthz")


CHECKS: dict[str, Check] = {
    "python": python,
    "hnswlib": hnswlib,
    "settings": settings,
    "encoder": encoder,
    "disk": disk,
    "port": port,
    "kafka": kafka,
    "cleanup": cleanup,
    "redis": redis,
    "log": log,
    "forgets": forgets,
    "drift": drift,
}
"""The checks by name."""
