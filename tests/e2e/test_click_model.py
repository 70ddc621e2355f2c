"""A list, what was seen of it and what was chosen out of it reach the click model, through every process."""

from __future__ import annotations

from coldspring import Client
from tests.rig.system import RunningSystem, eventually


def test_choices_of_a_list_are_learned(system: RunningSystem, client: Client) -> None:
    def learned() -> float:
        told: dict[str, float] = client.status().get("click_model", {})
        return told.get("choices", 0.0)

    before = learned()
    with system.http() as http:
        for visit in range(4):
            user = f"visitor{visit}"
            served = client.query(user_id=user, n=5, context={"device": "phone", "country": "DE"})
            shown = [item["item_id"] for item in served["items"]]
            told = [
                {"type": "impression", "user_id": user, "request_id": served["request_id"], "items": shown},
                {"type": "click", "user_id": user, "request_id": served["request_id"], "item_id": shown[3]},
                {"type": "purchase", "user_id": user, "request_id": served["request_id"], "item_id": shown[3]},
                {"type": "click", "user_id": user, "item_id": shown[1]},
            ]
            assert http.post("/v1/events", json=told).status_code == 202
    eventually(lambda: learned() == before + 4, seconds=60, every_s=0.5)
