"""JSON schemas of what the API takes and gives; from the structs wherever there is one."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from recommender.event_types import DEFAULT_WEIGHTS
from recommender.events import MAX_ENVELOPE, MAX_ID_BYTES, Interaction, Item, Profile
from recommender.query import RULES, STRATEGIES, Query, RecommendationList
from recommender.reasons import REASONS
from serving.http.problem import KINDS

ID: Final[dict[str, Any]] = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_ID_BYTES,
    "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]+$",
    "description": f"1 to {MAX_ID_BYTES} bytes of UTF-8 without control characters; in a path percent-encoded.",
}

_IDS = ("user_id", "item_id", "event_id", "request_id")
_LISTS_OF_IDS = ("history", "session", "exclude", "shown", "items", "same_as", "because")
_FILLED = ("event_id", "timestamp")
_MS = {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "ms since 1970, UTC"}


_STALE: Final[dict[str, Any]] = {
    "staleness_ms": {
        "type": "integer",
        "minimum": 0,
        "description": "How old the state behind the answer may be: ms since the workers had learned the log to its "
        "end and this process had looked at their state; 0 when that was within the 3 s that reporting may take.",
    }
}


def components() -> dict[str, Any]:
    """All components by name."""
    kinds = [Query, RecommendationList, Interaction, Item, Profile]
    schemas: dict[str, Any] = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")[1]
    schemas["List"] = schemas.pop("RecommendationList")
    for schema in schemas.values():
        _say_what_ids_are(schema["properties"])
    schemas["List"]["properties"] |= _STALE
    schemas["Query"]["properties"]["strategy"]["enum"] = list(STRATEGIES)
    schemas["LeftOut"]["properties"]["rule"] = {"enum": list(RULES)}
    for name in ("Interaction", "Item", "Profile"):
        schemas[name]["required"] = [field for field in schemas[name]["required"] if field not in _FILLED]
        schemas[name]["description"] = f"{schemas[name]['description']} An absent event_id or timestamp is filled in."
    types = {"type": "string", "examples": sorted(DEFAULT_WEIGHTS)}
    schemas["Interaction"]["properties"]["type"] = types
    return {**schemas, **_own()}


def _own() -> dict[str, Any]:
    items = _array(_ref("Recommendation"))
    text, number, count = {"type": "string"}, {"type": "number"}, {"type": "integer", "minimum": 0}
    life = _object(dict.fromkeys(("published", "arrived", "encoded", "indexed", "first_recommended"), _MS))
    done = _object({"item_id": ID, "type": text, "timestamp": {"type": "integer"}})
    return {
        "Wish": _object({"input": {"type": "string", "minLength": 1, "maxLength": 100_000, "pattern": "\\S"}}),
        "Titles": _object({"recommendations": _array(text), "items": items, **_STALE}),
        "Items": _object({"items": items, **_STALE}),
        "Audience": _object({"users": _array(_object({"user_id": ID, "score": number})), **_STALE}),
        "ItemState": _object(
            {
                "item_id": ID,
                "life": life,
                "counts": {"type": "object", "additionalProperties": count},
                "counted": {"type": "number", "description": "events, each with the share that counted"},
                **_STALE,
            },
        ),
        "Removed": _object({"item_id": ID}),
        "Portrait": _object({"user_id": ID, "interests": {"type": "array"}, "history": _array(done), **_STALE}),
        "Export": {"type": "object", "description": "All that is held of the user."},
        "Receipt": _object({"receipt": text, "user_id": ID, "timestamp": {"type": "integer"}}),
        "Forgetting": _object(
            {
                "receipt": text,
                "state": {
                    "enum": ["accepted", "erased", "done", "kept_in_counts"],
                    "description": "read from Kafka; out of every answer and row; out of the counts too; "
                    "out of every row, but the log no longer holds what the counts were made of",
                },
                "progress": {"type": "number", "description": "of the rebuild that takes the events out of the counts"},
                "files_rewritten": {"type": "boolean", "description": "whether the store's files hold none of it"},
            }
        ),
        "Interactions": _one_or_many("Interaction"),
        "ItemsIn": _one_or_many("Item"),
        "Profiles": _one_or_many("Profile"),
        "Accepted": _object(
            {"ids": _array(ID), "written": _array(_object({"partition": count, "offset": count}))},
        ),
        "Health": _object({"status": text}),
        "Status": {"type": "object", "description": "Figures of the running system; any of them may be absent."},
        "Problem": _problem(),
    }


def _problem() -> dict[str, Any]:
    error = {
        "type": "object",
        "properties": {
            "index": {"type": "integer", "description": "The place in the list that was sent."},
            "reason": {"enum": list(REASONS)},
            "field": {"type": "string"},
            "detail": {"type": "string"},
        },
    }
    problem = _object(
        {
            "type": {"type": "string", "format": "uri-reference", "examples": [f"/docs#{kind}" for kind in KINDS]},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
        },
    )
    problem["properties"]["errors"] = _array(error)
    return problem


def _say_what_ids_are(properties: dict[str, Any]) -> None:
    for name, schema in properties.items():
        if name in _IDS:
            properties[name] = {**schema, "anyOf": [ID, {"type": "null"}]} if "anyOf" in schema else ID
        elif name in _LISTS_OF_IDS and schema.get("items") == {"type": "string"}:
            schema["items"] = ID


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _one_or_many(name: str) -> dict[str, Any]:
    return {"oneOf": [_ref(name), {**_array(_ref(name)), "minItems": 1, "maxItems": MAX_ENVELOPE}]}
