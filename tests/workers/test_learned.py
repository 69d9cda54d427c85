"""What a successor is handed: the last of each, templates first, bounded."""

from collector.workers.learned import LearnedStore


def test_the_last_of_each_key_by_slot_templates_first() -> None:
    store = LearnedStore()
    store.learn(0, ["options", "a", 1], b"o1")
    store.learn(0, ["template", "a", 1], b"t1")
    store.learn(0, ["template", "a", 1], b"t2")
    store.learn(1, ["template", "b", 1], b"other slot")
    store.learn(0, ["template", "a", 2], b"withdrawn")
    store.learn(0, ["template", "a", 2], None)
    assert list(store.of_slot(0)) == [
        (["template", "a", 1], b"t2"),
        (["options", "a", 1], b"o1"),
    ]


def test_past_the_limit_the_oldest_goes_and_is_counted() -> None:
    store = LearnedStore(limit=2)
    for number in range(3):
        store.learn(0, ["template", "a", number], b"t")
    assert [key[2] for key, _ in store.of_slot(0)] == [1, 2]
    assert store.evicted == 1
