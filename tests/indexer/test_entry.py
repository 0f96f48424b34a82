import hashlib
import json
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.entry import Entry, derive_id

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
TIMES = st.none() | st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(9998, 1, 1),  # noqa: DTZ001
    timezones=st.timezones() | st.none(),
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
ENTRIES = st.builds(
    Entry,
    id=TEXT,
    question=TEXT,
    similar=st.lists(TEXT, max_size=3).map(tuple),
    answer=st.none() | TEXT,
    tags=st.lists(TEXT, max_size=3).map(tuple),
    metadata=st.dictionaries(TEXT, JSON_VALUES, max_size=3),
    enabled=st.booleans(),
    valid_from=TIMES,
    valid_until=TIMES,
)


def entry(**changes):
    return Entry(**({"id": "reset", "question": "How do I reset it?", "answer": "Press it."} | changes))


@given(ENTRIES)
def test_an_entry_survives_the_round_trip_through_a_line_of_json(written):
    assert Entry.from_json(json.loads(json.dumps(written.to_json()))) == written


def test_the_json_of_an_entry_is_the_documented_one():
    written = entry(similar=("Reset?",), tags=("a",), metadata={"n": [1, None]}, valid_from=NOON)
    assert written.to_json() == {
        "id": "reset",
        "question": "How do I reset it?",
        "similar": ["Reset?"],
        "answer": "Press it.",
        "tags": ["a"],
        "metadata": {"n": [1, None]},
        "enabled": True,
        "valid_from": "2026-11-24T12:00:00+00:00",
        "valid_until": None,
    }


def test_the_standard_question_is_the_first_phrasing():
    assert entry(similar=("b", "a")).phrasings == ("How do I reset it?", "b", "a")


def test_an_entry_without_dates_is_live():
    assert entry().is_live(NOON)


def test_a_disabled_entry_is_not_live():
    assert not entry(enabled=False).is_live(NOON)


@pytest.mark.parametrize(("now", "live"), [(NOON - HOUR, False), (NOON, True), (NOON + HOUR, False)])
def test_an_entry_is_live_from_its_first_moment_until_just_before_its_last(now, live):
    assert entry(valid_from=NOON, valid_until=NOON + HOUR).is_live(now) is live


def test_a_time_without_a_zone_is_utc():
    assert entry(valid_from=NOON.replace(tzinfo=None)).valid_from == NOON


def test_a_time_is_kept_in_utc():
    beijing = timezone(timedelta(hours=8))
    kept = entry(valid_until=NOON.astimezone(beijing)).valid_until
    assert kept == NOON
    assert kept.tzinfo is UTC


def test_an_entry_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        entry().answer = "another"


def test_a_derived_id_is_the_start_of_the_hash_of_the_key():
    assert derive_id("How do I reset it?") == hashlib.sha256(b"how do i reset it").hexdigest()[:12]


def test_every_spelling_of_a_question_derives_the_same_id():
    assert derive_id("如何重置密码？") == derive_id(" 如何重置密碼 ")
    assert derive_id("How do I reset it?") != derive_id("How do I reset them?")
