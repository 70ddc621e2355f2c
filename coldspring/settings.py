"""Settings: what they are, what they may be, and where each value came from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, PositiveInt, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from coldspring.configuration import Configuration, Origin
from coldspring.errors import SettingsError
from coldspring.options import ENV_PREFIX, env_name, flag
from recommender.event_types import MOST_WEIGHT


def split_address(address: str) -> tuple[str, int]:
    """Host and port of "host:port"; an IPv6 host stands in brackets.

    >>> split_address("[::1]:8000")
    ('::1', 8000)

    Raises
    ------
    ValueError: when it is not of that form.
    """
    host, colon, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ValueError(f"expected HOST:PORT, got {address!r}")
    return host, int(port)


def _address(value: str) -> str:
    address = value.removeprefix("http://").rstrip("/")  # as `up --json` gives it
    split_address(address)
    return address


def _no_or_address(value: str) -> str:
    return _address(value) if value else value


def _addresses(value: str) -> str:
    for address in value.split(","):
        split_address(address.strip())
    return value


def _redis_url(value: str) -> str:
    if not value.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("expected redis://HOST:PORT/DB")
    return value


def _http_url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("expected http://HOST:PORT")
    return value.rstrip("/")


def _no_or_http_url(value: str) -> str:
    return _http_url(value) if value else value


def _topic_part(value: str) -> str:
    if len(value) > 200 or any(not (c.isascii() and c.isalnum()) and c not in "._-" for c in value):
        raise ValueError("a topic name may hold letters, digits, dots, underscores and hyphens")
    return value


def _rules(value: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from coldspring.house import rules_of

    rules_of(value)
    return value


def default_data() -> Path:
    """The data folder where none is set: in the user's own share, so that every shell finds the same one."""
    share = os.environ.get("XDG_DATA_HOME")
    return (Path(share) if share else Path.home() / ".local" / "share") / "coldspring"


Share = Annotated[float, Field(ge=0, le=1)]
JSON_SETTINGS: Final = ("weights", "rules")
"""Settings whose values are JSON."""


class Settings(BaseSettings):
    """Every setting, checked. Made by `load`; read `coldspring config show` for what each is for."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    http: Annotated[str, AfterValidator(_address)] = "127.0.0.1:8000"
    bootstrap: Annotated[str, AfterValidator(_addresses)] = "127.0.0.1:9092"
    redis: Annotated[str, AfterValidator(_redis_url)] = "redis://127.0.0.1:6379/0"
    prefix: Annotated[str, AfterValidator(_topic_part)] = ""
    partitions: Annotated[int, Field(ge=1, le=1024)] = 4
    item_partitions: Annotated[int, Field(ge=1, le=1024)] | None = None
    cluster: str = ""
    group: str = "coldspring"
    data: Path = Field(default_factory=default_data)
    forget_key: Path | None = None
    archive: Path | None = None
    checkpoints: Path | None = None
    encoder: str = "multilingual"
    encoder_url: Annotated[str, AfterValidator(_http_url)] = "http://127.0.0.1:8001"
    encode_batch: PositiveInt = 64
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dedupe: PositiveInt = 100_000
    max_users: PositiveInt = 1_000_000
    max_items: PositiveInt = 200_000
    influence: Annotated[int, Field(ge=0, le=10)] = 8
    history: Annotated[int, Field(ge=1, le=200)] = 200
    batch: PositiveInt = 8_000
    session: Annotated[float, Field(ge=1, le=60)] = 6.0
    stall: Annotated[float, Field(ge=2, le=3600)] = 30.0
    weights: dict[str, float] = {}
    examples: Share = 1.0
    tested: Share = 0.25
    decisions: Share = 1.0
    exploration: Share = 0.1
    fatigue: Share = 1.0
    impressions: Literal["sent", "served"] = "sent"
    max_per_category: Annotated[int, Field(ge=1, le=100)] | None = None
    rules: Annotated[list[dict[str, Any]], AfterValidator(_rules)] = []
    metrics: Annotated[str, AfterValidator(_no_or_address)] = ""
    trace: Annotated[str, AfterValidator(_no_or_http_url)] = ""
    trace_share: Share = 0.001
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def items_partitions(self) -> int:
        """The partitions of `items`: its own setting, else as many as of `interactions`."""
        return self.item_partitions or self.partitions

    def environment(self) -> dict[str, str]:
        """These settings as the environment variables that give them to another process."""
        dumped = self.model_dump(mode="json", exclude_none=True)
        return {
            env_name(name): json.dumps(value) if name in JSON_SETTINGS else str(value) for name, value in dumped.items()
        }


def load(options: Mapping[str, Any] | None = None) -> Configuration:
    """Settings from options (those not None), then the environment, then the defaults.

    Raises
    ------
    SettingsError: naming the option or variable, and what it may be.
    """
    chosen = {name: value for name, value in (options or {}).items() if value is not None}
    for name in JSON_SETTINGS:
        if isinstance(chosen.get(name), str):
            chosen[name] = _from_json(chosen[name], flag(name))
    present = {name.upper() for name, value in os.environ.items() if value}
    origins: dict[str, Origin] = {
        name: "option" if name in chosen else "environment" if env_name(name) in present else "default"
        for name in Settings.model_fields
    }
    try:
        settings = Settings(**chosen)
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(one, origins) for one in error.errors())) from None
    except ValueError as error:  # a value that is no JSON where JSON is needed
        named = next((name for name in JSON_SETTINGS if f'"{name}"' in str(error)), JSON_SETTINGS[0])
        raise SettingsError(f"{env_name(named)}: {error.__cause__ or error}") from None
    if any(not abs(weight) <= MOST_WEIGHT for weight in settings.weights.values()):
        raise SettingsError(f"weights: a weight is a number from -{MOST_WEIGHT:g} to {MOST_WEIGHT:g}")
    return Configuration(settings, origins)


def _from_json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{name}: not JSON ({error})") from None


def _explain(error: Any, origins: Mapping[str, Origin]) -> str:
    name = str(error["loc"][0])
    told = error["msg"].removeprefix("Value error, ")
    return f"{flag(name) if origins.get(name) == 'option' else env_name(name)}: {told}"
