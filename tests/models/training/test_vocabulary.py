import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel

from models.errors import CheckpointError
from models.training import vocabulary
from models.training.vocabulary import choose_pieces, main, read_vocabulary, write_vocabulary

PIECES = (
    *("<s>", "<pad>", "</s>", "<unk>"),
    *("▁the", "▁The", "▁THE", "▁zyzzyva", "重置", "置の", "の", "é", "ж", "?", "▁", "12", "!!", "▁привет", "▁12345"),
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(vocabulary, "_FOLDER", tmp_path)
    return tmp_path


@pytest.fixture
def tokenizer():
    made = Tokenizer(WordLevel({piece: number for number, piece in enumerate(PIECES)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    return made


@given(st.sets(st.integers(0, 300_000), min_size=1, max_size=200))
def test_a_vocabulary_makes_the_round_trip(tmp_path_factory, kept):
    folder = tmp_path_factory.mktemp("vocabularies")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(vocabulary, "_FOLDER", folder)
        write_vocabulary(kept, folder / "zh-en.txt")
        assert read_vocabulary("zh,en") == sorted(kept)


def test_ids_are_written_as_spans_sixteen_a_line(folder):
    write_vocabulary([9, *range(6), *range(12, 41)], folder / "a.txt")
    assert (folder / "a.txt").read_text() == "0-5 9 12-40\n"
    write_vocabulary(range(0, 40, 2), folder / "a.txt")
    assert [len(line.split()) for line in (folder / "a.txt").read_text().splitlines()] == [16, 4]


def test_an_unknown_vocabulary_is_refused_with_those_there_are(folder):
    write_vocabulary([1], folder / "zh-en.txt")
    write_vocabulary([1], folder / "de.txt")
    with pytest.raises(CheckpointError, match=r"languages fr: no kept vocabulary \(known: de, zh,en, all\)"):
        read_vocabulary("fr")


def test_the_checked_in_vocabulary_keeps_the_special_pieces_and_a_fifth_of_all():
    kept = read_vocabulary("zh,en")
    assert kept == sorted(set(kept))
    assert kept[:4] == [0, 1, 2, 3]
    assert 40_000 < len(kept) < 50_000
    assert kept[-1] < 250_002


def test_pieces_are_kept_for_their_script_their_frequency_or_because_they_were_seen_twice(tokenizer):
    kept = {PIECES[number] for number in choose_pieces(tokenizer, ["привет", "привет", "zyzzyva"])}
    assert kept >= {"<s>", "<pad>", "</s>", "<unk>"}
    assert kept >= {"▁the", "▁The", "▁THE", "重置", "é", "?", "▁", "12", "!!", "▁привет"}
    assert not kept & {"▁zyzzyva", "置の", "の", "ж", "▁12345"}


def test_a_vocabulary_is_chosen_over_pools_but_for_excluded_sources(tmp_path, tokenizer, monkeypatch, capsys):
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "pool.tsv").write_text(
        "question\tsource\nпривет\tours\nпривет\tours\nzyzzyva\ttheirs\nzyzzyva\ttheirs\n", encoding="utf-8"
    )
    command = f"x {tmp_path}/pool.tsv --exclude theirs --tokenizer {tmp_path}/tokenizer.json --out {tmp_path}/zh-en.txt"
    monkeypatch.setattr(sys, "argv", command.split())
    main()
    assert "chosen over 2 questions" in capsys.readouterr().out
    monkeypatch.setattr(vocabulary, "_FOLDER", tmp_path)
    kept = {PIECES[number] for number in read_vocabulary("zh,en")}
    assert "▁привет" in kept
    assert "▁zyzzyva" not in kept
