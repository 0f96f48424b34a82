import dataclasses
import errno
import hashlib
import os
import shutil
from pathlib import Path

import pytest

from indexer import reindex as job
from indexer.current import read_current
from indexer.entry import Entry
from indexer.errors import HomeError, PublishError, VersionError
from indexer.near_duplicates import find_near_duplicates
from indexer.publishing import publish_lock
from indexer.reindex import reindex
from indexer.version import open_version
from indexer.version_list import version_names
from models import normalise
from models.errors import EncodingError


def edited(entry: Entry, **fields) -> Entry:
    return dataclasses.replace(entry, **fields)


def counts(outcome) -> tuple[int, ...]:
    return outcome.new, outcome.changed, outcome.unchanged, len(outcome.removed)


def test_a_first_reindex_publishes_all(home, kb, entries, encoder):
    outcome = reindex(home, kb, entries, encoder)
    assert outcome.published
    assert (outcome.entries, outcome.phrasings, outcome.encoded) == (3, 6, 6)
    assert counts(outcome) == (3, 0, 0, 0)
    current = read_current(kb)
    assert current.version == outcome.version
    assert open_version(kb.versions / current.version, current.manifest_sha256).entries == entries


def test_nothing_changed_gives_no_new_version_and_encodes_nothing(home, kb, entries, encoder):
    first = reindex(home, kb, entries, encoder)
    again = reindex(home, kb, entries, encoder)
    assert not again.published
    assert again.version == first.version
    assert again.encoded == 0
    assert counts(again) == (0, 0, 3, 0)
    assert version_names(kb) == [first.version]


def test_one_changed_phrasing_encodes_one_text(home, kb, entries, encoder):
    reindex(home, kb, entries, encoder)
    encoder.seen.clear()
    changed = edited(entries[0], similar=("I lost my password",))
    outcome = reindex(home, kb, (changed, *entries[1:]), encoder)
    assert outcome.published
    assert outcome.encoded == 1
    assert encoder.seen == ["I lost my password"]
    assert counts(outcome) == (0, 1, 2, 0)


def test_a_changed_answer_encodes_nothing_and_is_published(home, kb, entries, encoder):
    reindex(home, kb, entries, encoder)
    outcome = reindex(home, kb, (edited(entries[0], answer="New."), *entries[1:]), encoder)
    assert (outcome.published, outcome.encoded, counts(outcome)) == (True, 0, (0, 1, 2, 0))


def test_the_summary_counts_by_id(home, kb, entries, encoder):
    reindex(home, kb, entries, encoder)
    new = Entry(id="hours", question="When are you open?", answer="Always.")
    outcome = reindex(home, kb, (new, edited(entries[1], answer="Late."), entries[2]), encoder)
    assert counts(outcome) == (1, 1, 1, 1)
    assert (outcome.entries, outcome.encoded) == (3, 1)


def test_entries_that_are_gone_are_named_in_their_former_order(home, kb, entries, encoder):
    assert reindex(home, kb, entries, encoder).removed == ()
    assert reindex(home, kb, entries[1:2], encoder).removed == (entries[0].id, entries[2].id)
    assert reindex(home, kb, entries[1:2], encoder).removed == ()


def test_another_order_of_the_entries_is_another_version(home, kb, entries, encoder):
    first = reindex(home, kb, entries, encoder)
    outcome = reindex(home, kb, entries[::-1], encoder)
    assert outcome.published
    assert outcome.version > first.version
    assert counts(outcome) == (0, 0, 3, 0)


def test_another_model_encodes_everything_anew(home, kb, entries, encoder, make_encoder):
    reindex(home, kb, entries, encoder)
    outcome = reindex(home, kb, entries, make_encoder(dim=8))
    assert (outcome.published, outcome.encoded, counts(outcome)) == (True, 6, (0, 0, 3, 0))
    assert open_version(kb.versions / outcome.version).index.dim == 8


def test_a_version_records_the_seal_of_the_homes_copy_of_the_model(home, kb, entries, encoder):
    assert open_version(kb.versions / reindex(home, kb, entries, encoder).version).manifest.model_seal is None
    model = home.model_path(encoder.spec)
    model.mkdir()
    seals = []
    for spec in (b"one", b"another"):
        (model / "spec.json").write_bytes(spec)
        outcome = reindex(home, kb, entries, encoder)
        assert (outcome.published, outcome.encoded) == (True, 0)  # though no entry has changed
        seals.append(open_version(kb.versions / outcome.version).manifest.model_seal)
        assert not reindex(home, kb, entries, encoder).published
    assert seals == [hashlib.sha256(spec).hexdigest() for spec in (b"one", b"another")]


def test_other_normal_forms_build_anew(home, kb, entries, encoder, monkeypatch):
    reindex(home, kb, entries, encoder)
    monkeypatch.setattr(normalise, "NORMALISER_VERSION", 2)
    assert reindex(home, kb, entries, encoder).published


def test_a_text_that_stands_twice_is_encoded_once(home, kb, encoder):
    outcome = reindex(home, kb, [Entry(id=i, question="Same?", answer=None) for i in ("a", "b")], encoder)
    assert (outcome.phrasings, outcome.encoded) == (2, 1)


def test_a_damaged_current_version_is_built_anew(home, kb, entries, encoder):
    first = reindex(home, kb, entries, encoder)
    (kb.versions / first.version / "vectors.npy").unlink()
    second = reindex(home, kb, entries, encoder)
    assert second.published
    assert counts(second) == (3, 0, 0, 0)
    kb.current_file.write_bytes(b"{")
    assert reindex(home, kb, entries, encoder).published


def test_progress_is_told_by_stage(home, kb, entries, encoder):
    told = []
    reindex(home, kb, entries, encoder, lambda *step: told.append(step))
    assert told == [(stage, done, 6) for stage in ("encode", "index") for done in (0, 6)]


def near_duplicates(outcome) -> list[tuple[str, ...]]:
    pairs = find_near_duplicates(outcome.indexed).pairs
    return [(pair.first, pair.second, pair.first_phrasing, pair.second_phrasing) for pair in pairs]


def test_what_was_published_is_given_to_be_compared_by_its_new_and_changed_entries(home, kb, entries, encoder):
    assert near_duplicates(reindex(home, kb, entries, encoder)) == []
    new = Entry(id="track", question="Track it", similar=("快递在哪里",), answer="Here.")
    pair = ("parcel", "track", "快遞在哪裡", "快递在哪里")  # one text in traditional and in simplified characters
    assert near_duplicates(reindex(home, kb, (*entries, new), encoder)) == [pair]
    elsewhere = reindex(home, kb, (edited(entries[0], answer="New."), *entries[1:], new), encoder)
    assert near_duplicates(elsewhere) == []
    changed = reindex(home, kb, (*entries[:1], edited(entries[1], answer="Late."), entries[2], new), encoder)
    assert near_duplicates(changed) == [pair]


def test_where_nothing_has_changed_there_is_nothing_to_compare(home, kb, entries, encoder):
    assert reindex(home, kb, entries, encoder).indexed is not None
    assert reindex(home, kb, entries, encoder).indexed is None


def fail_in_the_encoder(_monkeypatch, encoder):
    encoder.fails_after = len(encoder.seen)
    return EncodingError


def fail_in_the_canaries(monkeypatch, _encoder):
    def refuse(_version, _vectors):
        raise VersionError("the new index does not find itself")

    monkeypatch.setattr(job, "check_canaries", refuse)
    return VersionError


def fail_at_a_full_disk(monkeypatch, _encoder):
    real = os.fsync

    def fsync(descriptor):
        if Path(f"/proc/self/fd/{descriptor}").readlink().name == "dense.faiss":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return HomeError


def fail_by_hand(monkeypatch, _encoder):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "open_version", interrupt)
    return KeyboardInterrupt


@pytest.mark.parametrize("fail", [fail_in_the_encoder, fail_in_the_canaries, fail_at_a_full_disk, fail_by_hand])
def test_a_failure_in_the_middle_leaves_what_was_published(home, kb, entries, encoder, monkeypatch, fail):
    first = reindex(home, kb, entries, encoder)
    current = kb.current_file.read_bytes()
    more = (*entries, Entry(id="hours", question="When are you open?", answer="Always."))
    with monkeypatch.context() as broken:
        expected = fail(broken, encoder)
        with pytest.raises(expected):
            reindex(home, kb, more, encoder)
    assert kb.current_file.read_bytes() == current
    assert [path.name for path in kb.versions.iterdir()] == [first.version]
    encoder.fails_after = None
    assert counts(reindex(home, kb, more, encoder)) == (1, 0, 3, 0)


def test_what_cannot_be_removed_after_a_publish_is_a_warning_and_the_publish_stands(
    home, kb, entries, encoder, monkeypatch
):
    old = [reindex(home, kb, (edited(entries[0], answer=answer),), encoder).version for answer in "123"]

    def refuse(path, *_):
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(path))

    with monkeypatch.context() as broken:
        broken.setattr(shutil, "rmtree", refuse)
        outcome = reindex(home, kb, entries, encoder)
    assert outcome.published
    assert outcome.warning.startswith("what is no longer needed could not be removed: ")
    assert f"{old[0]}: cannot be written, Device or resource busy" in outcome.warning
    assert read_current(kb).version == outcome.version
    again = reindex(home, kb, entries[1:], encoder)
    assert again.warning is None
    assert sorted(path.name for path in kb.versions.iterdir()) == [old[2], outcome.version, again.version]


def test_a_reindex_while_another_publishes_is_refused(home, kb, entries, encoder):
    with publish_lock(kb), pytest.raises(PublishError, match="is being published by process"):
        reindex(home, kb, entries, encoder)
    assert read_current(kb) is None


def test_a_lost_cache_changes_no_vector(home, kb, entries, encoder):
    first = reindex(home, kb, entries, encoder)
    shutil.rmtree(home.path / "cache")
    home.prepare()
    second = reindex(home, kb, (edited(entries[0], answer="New."), *entries[1:]), encoder)
    assert second.encoded == 6
    files = [(kb.versions / o.version / "vectors.npy").read_bytes() for o in (first, second)]
    assert files[0] == files[1]
