"""Free text as the question: Chinese and English, typed and in a profile, over titles of both languages."""

import pytest

from coldspring import Client
from tests.rig import shelf
from tests.rig.system import RunningSystem, eventually

WISH = "我喜欢阅读科幻小说，特别是刘慈欣的作品。"
FICTION = shelf.of_category(shelf.SCIENCE_FICTION)


def test_the_sentence_of_the_contract_gives_science_fiction_first(system: RunningSystem) -> None:
    with system.http() as http:
        answer = http.post("/recommend", json={"input": WISH})
    assert answer.status_code == 200
    told = answer.json()
    assert {"recommendations", "items"} <= set(told)
    assert told["recommendations"] == [one["title"] for one in told["items"]]
    assert len(told["recommendations"]) == 5
    found = [one["item_id"] in FICTION for one in told["items"]]
    assert found[0], told["recommendations"]
    assert sum(found) >= 3, told["recommendations"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("I love science fiction about space and aliens", "Sci-Fi"),
        ("an easy cookbook with recipes", "Cooking"),
        ("我想学做菜", "Cooking"),
    ],
)
def test_a_text_alone_is_enough(client: Client, text: str, wanted: str) -> None:
    listed = client.query(text=text, n=5)["items"]
    assert len(listed) == 5
    assert listed[0]["item_id"] in shelf.of_category(wanted), [one["title"] for one in listed]
    assert "text" in listed[0]["sources"]


def test_a_profile_text_is_enough_for_a_user_without_history(client: Client) -> None:
    before = client.recommend("quiet", n=5)["items"]
    client.profiles({"user_id": "quiet", "text": WISH})

    def listed() -> list[str]:
        answer = client.recommend("quiet", n=5)["items"]
        assert "profile" in answer[0]["sources"]
        return [one["item_id"] for one in answer]

    found = eventually(listed)
    assert found != [one["item_id"] for one in before]
    assert found[0] in FICTION, found
    assert sum(one in FICTION for one in found) >= 3, found


def test_a_text_works_together_with_filters_and_with_a_history(client: Client) -> None:
    filtered = client.query(text=WISH, n=5, filters={"domain": "films"})["items"]
    assert filtered[0]["item_id"] in FICTION
    films = {one["item_id"] for one in shelf.items() if one["domain"] == "films"}
    assert all(one["item_id"] in films for one in filtered)
    behind = client.query(text=WISH, history=["santi"], n=5)["items"]
    assert "santi" not in [one["item_id"] for one in behind]
    assert behind[0]["item_id"] in FICTION


def test_a_question_leaves_no_trace(system: RunningSystem, client: Client) -> None:
    before = system.command("digest", "--json").json()
    client.query(text="something about cats", user_id="never-seen-asker", history=["santi", "no such item"])
    client.recommend("another-never-seen")
    with system.http() as http:
        assert http.get("/v1/users/never-seen-asker").status_code == 404
    assert system.command("digest", "--json").json() == before
