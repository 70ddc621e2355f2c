"""The figures for Prometheus: the contract's names, from what the workers told."""

from prometheus_client.parser import text_string_to_metric_families

from tests.unit.serving.http_client import Here


async def samples(here: Here) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = (await here.http.get("/metrics")).text
    families = text_string_to_metric_families(text)
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


async def test_names_of_the_contract(here: Here) -> None:
    await here.http.get("/v1/users/u-private/recommendations")
    found = await samples(here)
    none: frozenset[tuple[str, str]] = frozenset()
    assert found["coldspring_events_applied_total", none] == 1_000
    assert found["coldspring_events_duplicate_total", none] == 12
    assert found["coldspring_dead_letters_total", frozenset({("reason", "not_json")})] == 3
    assert found["coldspring_consumer_lag_records", none] == 7
    assert found["coldspring_event_to_state_seconds_count", none] == 90
    assert found["coldspring_item_to_searchable_seconds_bucket", frozenset({("le", "0.1")})] == 9
    labels = {("route", "/v1/users/{user_id}/recommendations"), ("method", "GET"), ("status", "200")}
    assert found["coldspring_request_seconds_count", frozenset(labels)] == 1
    assert "u-private" not in str(found)


async def test_without_the_workers_our_own_are_told(here: Here) -> None:
    await here.http.get("/nowhere")
    here.service.away = "the store is away"
    found = await samples(here)
    labels = {("route", "unmatched"), ("method", "GET"), ("status", "404")}
    assert found["coldspring_request_seconds_count", frozenset(labels)] == 1
