"""Where every served list counts as shown, it comes back as one impression; of strangers nothing does."""

from collections.abc import Sequence

from recommender.events import Interaction
from recommender.query import Parts, Recommendation, Served, Unavailable, Versions
from serving.served_impressions import ServedImpressions


def served(
    request_id: str, user_id: str | None = "u1", known: bool = True, items: Sequence[str] = ("a", "b")
) -> Served:
    listed = [Recommendation(item, None, 1.0, []) for item in items]
    position = {"interactions": [1]}
    parts, versions = Parts([], []), Versions(0, "")
    return Served(request_id, user_id, 1.0, position, listed, known=known, parts=parts, versions=versions)


async def test_a_list_of_a_known_user_is_an_impression() -> None:
    written: list[Interaction] = []

    async def publish(events: Sequence[Interaction]) -> None:
        if events[0].request_id == "lost":
            raise Unavailable("Kafka is away")
        written.extend(events)

    impressions = ServedImpressions(publish, lambda: 77)
    impressions.start()
    impressions.offer(served("lost"))
    await impressions.close()
    impressions.start()
    for each in (served("r1"), served("r1"), served("r" * 256), served("r3", known=False), served("r4", None)):
        impressions.offer(each)
    impressions.offer(served("r5", items=()))
    await impressions.close()
    assert [(event.user_id, event.type, event.items, event.timestamp, event.request_id) for event in written] == [
        ("u1", "impression", ["a", "b"], 77, request) for request in ("r1", "r1", "r" * 256)
    ]
    assert len({event.event_id for event in written}) == 2, "twice the same list is one impression"
