"""Settings: where each value came from, and what is refused."""

import os
from pathlib import Path

import pytest

from coldspring.configuration import without_password
from coldspring.errors import SettingsError
from coldspring.house import house_of
from coldspring.options import OPTIONS, env_name
from coldspring.running import discover, remove_note, write_note
from coldspring.settings import Settings, load


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("COLDSPRING_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def test_every_option_is_a_setting_and_the_other_way_round() -> None:
    assert set(OPTIONS) == set(Settings.model_fields)


def test_option_beats_environment_beats_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLDSPRING_PREFIX", "env.")
    monkeypatch.setenv("COLDSPRING_PARTITIONS", "8")
    shown = load({"prefix": "option.", "http": None}).shown()
    assert shown["prefix"] == {"value": "option.", "origin": "option"}
    assert shown["partitions"] == {"value": 8, "origin": "environment"}
    assert shown["item_partitions"]["value"] == 8
    assert shown["http"] == {"value": "127.0.0.1:8000", "origin": "default"}


def test_an_empty_variable_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLDSPRING_PARTITIONS", "")
    assert load().shown()["partitions"] == {"value": 4, "origin": "default"}


RULES = '[{"category": "Horror", "boost": -1}, {"attribute": "new", "equals": true, "boost": 0.5}]'


def test_a_system_gives_its_settings_to_its_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    config = load({"weights": '{"wish": 1.5}', "prefix": "a.", "item_partitions": "16", "rules": RULES})
    for name, value in config.settings.environment().items():
        monkeypatch.setenv(name, value)
    assert load().settings == config.settings
    assert [rule.boost for rule in house_of(load().settings).rules] == [-1.0, 0.5]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("partitions", "0"), ("partitions", "x"), ("http", "8000"), ("http", "host:99999"), ("redis", "localhost"),
        ("bootstrap", "a:1,b"), ("prefix", "a/b"), ("weights", "{"), ("weights", '{"a": "b"}'), ("weights", "[1]"),
        ("rules", "{"), ("rules", "{}"), ("rules", '[{"boost": 1}]'), ("rules", '[{"category": "a", "bost": 1}]'),
        ("rules", '[{"category": "a", "boost": "1"}]'), ("fatigue", "2"), ("impressions", "all"),
        ("max_per_category", "0"), ("weights", '{"a": NaN}'), ("examples", "1.5"), ("log_level", "loud"),
        ("device", "tpu"),
    ],
)  # fmt: skip
def test_a_wrong_value_names_its_setting(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=f"--{name.replace('_', '-')}|{name}"):
        load({name: value})
    monkeypatch.setenv(env_name(name), value)
    with pytest.raises(SettingsError, match=f"{env_name(name)}|{name}"):
        load()


def test_passwords_are_not_shown() -> None:
    assert "secret" not in str(load({"redis": "redis://:secret@host:6379/0"}).shown())
    assert without_password("redis://host/0") == "redis://host/0"


def test_other_shells_find_the_system_that_runs() -> None:
    config = load({"http": "127.0.0.1:9", "bootstrap": "127.0.0.1:7", "partitions": "3"})
    write_note(config.settings.data, config)
    found = discover(load())
    assert (found.settings.http, found.settings.partitions) == ("127.0.0.1:9", 3)
    assert found.origins["http"] == "running system"
    other = load({"bootstrap": "127.0.0.1:8"})
    assert discover(other) is other
    remove_note(config.settings.data)
    assert discover(load()).settings.http == "127.0.0.1:8000"
