from datetime import UTC, datetime, timedelta

from indexer.entry import Entry
from service.eligibility import Eligibility

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def entry(name, **fields) -> Entry:
    return Entry(id=name, question=name, answer="A", **fields)


def test_where_all_may_answer_always_there_is_no_mask():
    assert Eligibility([entry("a"), entry("b", tags=("t",))]).entries((), NOON) is None


def test_an_entry_that_carries_any_of_the_tags_may_answer():
    eligibility = Eligibility([entry("a", tags=("t", "u")), entry("b", tags=("v",)), entry("c")])
    assert eligibility.entries(("t", "v", "unknown"), NOON).tolist() == [True, True, False]
    assert eligibility.entries(("unknown",), NOON).tolist() == [False, False, False]


def test_what_is_off_or_outside_its_window_may_not_with_or_without_a_tag():
    entries = [
        entry("live", tags=("t",), valid_from=NOON, valid_until=NOON + HOUR),
        entry("off", tags=("t",), enabled=False),
        entry("over", tags=("t",), valid_until=NOON),
        entry("to come", tags=("t",), valid_from=NOON + HOUR),
    ]
    eligibility = Eligibility(entries)
    for tags in ((), ("t",)):
        assert eligibility.entries(tags, NOON).tolist() == [True, False, False, False]
        assert eligibility.entries(tags, NOON + HOUR).tolist() == [False, False, False, True]
