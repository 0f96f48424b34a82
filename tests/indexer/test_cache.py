import os
import sqlite3

import numpy as np
import pytest

from indexer import cache as module
from indexer.cache import EmbeddingCache
from indexer.errors import HomeError
from models.errors import EncodingError

TEXTS = ["one", "two", "三", "one"]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "cache.sqlite"


def encode(file, encoder, texts):
    with EmbeddingCache(file) as cache:
        return cache.encode(encoder, texts)


def change(file, statement, *values):
    connection = sqlite3.connect(file)
    with connection:
        changed = connection.execute(statement, values).rowcount
    connection.close()
    return changed


def test_a_text_is_encoded_once_whatever_the_job(file, encoder):
    vectors, encoded = encode(file, encoder, TEXTS)
    assert encoded == 3
    np.testing.assert_array_equal(vectors, encoder.encode(TEXTS))
    encoder.seen.clear()
    again, encoded = encode(file, encoder, [*TEXTS, "four"])
    assert encoded == 1
    assert encoder.seen == ["four"]
    np.testing.assert_array_equal(again, encoder.encode([*TEXTS, "four"]))


def test_no_texts_give_no_rows(file, encoder):
    vectors, encoded = encode(file, encoder, [])
    assert (vectors.shape, vectors.dtype, encoded) == ((0, 16), np.float32, 0)


def test_the_prefix_is_part_of_what_is_remembered(file, make_encoder):
    plain, prefixed = make_encoder(), make_encoder(prefix="query: ")
    encode(file, plain, ["one"])
    vectors, encoded = encode(file, prefixed, ["one"])
    assert encoded == 1
    np.testing.assert_array_equal(vectors, prefixed.encode(["one"]))


def test_progress_counts_what_is_not_remembered(file, encoder, monkeypatch):
    monkeypatch.setattr(module, "_COMMIT_EVERY", 2)
    encode(file, encoder, ["one"])
    told = []
    with EmbeddingCache(file) as cache:
        cache.encode(encoder, ["one", "two", "three", "four", "two"], lambda *step: told.append(step))
    assert told == [(0, 3), (2, 3), (3, 3)]


def test_more_texts_than_sqlite_takes_variables_are_all_found(file, encoder):
    texts = [str(number) for number in range(2500)]
    first, encoded = encode(file, encoder, texts)
    assert encoded == 2500
    again, encoded = encode(file, encoder, texts)
    assert encoded == 0
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(
    "damage",
    [
        "vector = zeroblob(length(vector))",
        "vector = substr(vector, 1, length(vector) - 4)",
        "vector = x''",
        "vector = NULL",
        "vector = 'text of the same'",
        "vector = 5",
        "crc = crc + 1",
        "crc = NULL",
    ],
)
def test_a_damaged_row_is_computed_again(file, encoder, damage):
    encode(file, encoder, TEXTS)
    key = module.hashlib.sha256(b"two").digest()
    assert change(file, f"UPDATE vectors SET {damage} WHERE key = ?", key) == 1
    vectors, encoded = encode(file, encoder, TEXTS)
    assert encoded == 1
    np.testing.assert_array_equal(vectors, encoder.encode(TEXTS))
    assert encode(file, encoder, TEXTS)[1] == 0


@pytest.mark.parametrize("content", [b"this is no database, and it is long enough to be one" * 100, b"\0" * 5000])
def test_a_file_that_is_no_database_is_replaced(file, encoder, content):
    file.write_bytes(content)
    vectors, encoded = encode(file, encoder, TEXTS)
    assert encoded == 3
    np.testing.assert_array_equal(vectors, encoder.encode(TEXTS))
    assert encode(file, encoder, TEXTS)[1] == 0


def test_a_database_damaged_behind_its_head_is_replaced(file, encoder):
    texts = [str(number) for number in range(3000)]
    encode(file, encoder, texts)
    content = bytearray(file.read_bytes())
    content[2 * 4096 :] = os.urandom(len(content) - 2 * 4096)
    file.write_bytes(content)
    vectors, encoded = encode(file, encoder, texts)
    assert encoded == 3000
    np.testing.assert_array_equal(vectors, encoder.encode(texts))
    assert encode(file, encoder, texts)[1] == 0


def test_an_interrupted_job_keeps_what_it_encoded(file, encoder, monkeypatch):
    monkeypatch.setattr(module, "_COMMIT_EVERY", 2)
    texts = ["one", "two", "three", "four", "five"]
    encoder.fails_after = 4
    with pytest.raises(EncodingError):
        encode(file, encoder, texts)
    encoder.fails_after = None
    assert encode(file, encoder, texts)[1] == 1


def test_a_cache_that_cannot_be_made_is_an_error_with_a_fix(tmp_path):
    with pytest.raises(HomeError, match="unable to open database file: free some space, or give this user the right"):
        EmbeddingCache(tmp_path / "not there" / "cache.sqlite")


def test_a_full_disk_is_an_error_with_a_fix(file, encoder):
    with EmbeddingCache(file) as cache:
        cache._connection.execute("PRAGMA max_page_count = 3")
        with pytest.raises(HomeError, match="database or disk is full: free some space"):
            cache.encode(encoder, [str(number) for number in range(3000)])
