"""Which of the shipped encoders an index gets."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.current import read_current
from indexer.entries import read_entries
from indexer.entry import Entry
from indexer.home import KnowledgeBaseFolder
from indexer.rollback import roll_back
from indexer.version import read_manifest
from indexer.version_list import version_names
from models.directory import DEFAULT_MODEL, find_model, open_directory
from models.errors import ModelDirectoryError
from models.types import EncoderSpec
from service.commands.encoder_choice import NamedEncoders, choose_by_language, choose_encoder, lasting_name
from service.commands.index import IndexOptions, index

ENGLISH = "question-encoder-en"
BILINGUAL = find_model(DEFAULT_MODEL)
HOW = Entry(id="pay", question="How do I pay?", similar=("Can I pay by card？",), answer="请用支付宝。", tags=("钱",))
WHERE = Entry(id="parcel", question="Where is my parcel?", answer="Here.")
CHINESE = Entry(id="invoice", question="Invoice?", similar=("Fapiao?", "怎么开发票？"), answer="Here.")


@pytest.fixture
def english() -> Path:
    return find_model(ENGLISH)


@pytest.fixture
def shipped(english) -> tuple[Path, Path]:
    return (english, BILINGUAL)


def spec(model: Path) -> EncoderSpec:
    return open_directory(model).spec


# The choice alone


def test_an_faq_without_a_chinese_character_in_its_phrasings_gets_the_encoder_for_english_alone(shipped, english):
    choice = choose_by_language([HOW, WHERE], None, shipped)  # answers and tags may be Chinese: nobody matches them
    assert choice.path == english
    assert choice.reason == f"encoder {ENGLISH}: no question and no similar holds a Chinese character"


def test_one_chinese_phrasing_needs_the_bilingual_encoder_and_is_named(shipped):
    choice = choose_by_language([HOW, CHINESE, WHERE], None, shipped)
    assert choice.path == BILINGUAL
    assert choice.reason == f"encoder {DEFAULT_MODEL}: 1 of 3 entries hold Chinese, such as '怎么开发票？'"


def test_the_first_chinese_phrasing_of_an_english_knowledge_base_changes_its_encoder(shipped, english):
    choice = choose_by_language([HOW, CHINESE], spec(english), shipped)
    assert choice.path == BILINGUAL
    assert choice.reason == (
        f"encoder {DEFAULT_MODEL} instead of {spec(english).label}: 1 of 2 entries hold Chinese, such as '怎么开发票？'"
    )


def test_a_knowledge_base_that_was_bilingual_stays_so_and_the_way_out_is_told(shipped):
    choice = choose_by_language([HOW, WHERE], spec(BILINGUAL), shipped)
    assert choice.path == BILINGUAL
    assert choice.reason == (
        f"encoder {DEFAULT_MODEL}: no entry holds Chinese, but the last version was built with "
        f"{spec(BILINGUAL).label}; --model {ENGLISH} takes the encoder for English alone"
    )


def test_an_english_knowledge_base_keeps_to_english_also_by_an_encoder_of_another_release(shipped, english):
    choice = choose_by_language([HOW], replace(spec(english), digest="0" * 64), shipped)
    assert choice.path == english


@pytest.mark.parametrize("entries", [[HOW], [CHINESE]])
@pytest.mark.parametrize("former", [None, BILINGUAL])
def test_where_there_is_no_encoder_for_english_alone_nothing_is_chosen_and_nothing_said(entries, former):
    choice = choose_by_language(entries, former and spec(former), [BILINGUAL])
    assert (choice.path, choice.reason) == (BILINGUAL, None)


def test_an_english_knowledge_base_under_a_release_without_its_encoder_is_told_so(english):
    choice = choose_by_language([HOW], spec(english), [BILINGUAL])
    assert choice.path == BILINGUAL
    assert choice.reason == (
        f"encoder {DEFAULT_MODEL} instead of {spec(english).label}: this release has no encoder for English alone"
    )


def test_a_damaged_encoder_for_english_alone_is_no_choice(tmp_path, english):
    damaged = tmp_path / ENGLISH
    damaged.mkdir()
    (damaged / "spec.json").write_bytes((english / "spec.json").read_bytes())
    assert choose_by_language([HOW], None, [damaged, BILINGUAL]).path == BILINGUAL


# Who is asked first


@pytest.fixture
def choose(home, shipped):
    def choose(asked=None, remembered=None, setting=None) -> Path:
        named = NamedEncoders(asked=asked, remembered=remembered, setting=setting)
        return choose_encoder(home, home.knowledge_base("new"), named, [HOW], shipped).path

    return choose


def test_the_command_goes_before_the_knowledge_base_and_that_before_the_setting(choose, english, tmp_path):
    (tmp_path / "one").symlink_to(BILINGUAL)
    one, two, three = str(tmp_path / "one"), str(english), DEFAULT_MODEL
    assert choose(asked=one, remembered=two, setting=three) == Path(one)
    assert choose(remembered=two, setting=three) == english
    assert choose(setting=three) == BILINGUAL
    assert choose() == english


def test_a_setting_that_names_no_model_is_told_in_all_its_spellings(choose):
    with pytest.raises(ModelDirectoryError) as refused:
        choose(setting="nothing")
    assert str(refused.value).startswith(
        "setting encoder (FAQMATCH_ENCODER, or encoder in faqmatch.toml): model nothing: neither a shipped model ("
    )


def test_a_shipped_model_is_remembered_by_its_name_and_any_other_by_its_path(english, tmp_path):
    assert lasting_name(open_directory(english)) == ENGLISH
    copy = shutil.copytree(english, tmp_path / "copy")
    assert lasting_name(open_directory(copy)) == str(copy)


# Index runs


@pytest.fixture
def run(home, shipped, tmp_path, capsys):
    """Index a file of these questions, and give the model that the new version has and the first line that is said."""

    def run(*questions: str, **options: object) -> tuple[str, str]:
        file = tmp_path / "faq.csv"
        file.write_text("question,answer\n" + "".join(f"{question},So.\n" for question in questions))
        index(home, "shop", read_entries(file), IndexOptions(shipped=shipped, **options))
        return model_of(home.knowledge_base("shop")), capsys.readouterr().out.splitlines()[0]

    return run


def model_of(kb: KnowledgeBaseFolder) -> str:
    return read_manifest(kb.versions / read_current(kb).version).encoder.name


def test_an_english_knowledge_base_becomes_bilingual_once_and_for_good(run, home):
    assert run("How do I pay?")[0] == ENGLISH
    assert run("How do I pay?", "Where is it?")[0] == ENGLISH
    assert run("How do I pay?", "怎么付款")[0] == DEFAULT_MODEL
    model, said = run("How do I pay?")
    assert model == DEFAULT_MODEL
    assert said.startswith(f"encoder {DEFAULT_MODEL}: no entry holds Chinese, but the last version was built with ")
    assert home.knowledge_base("shop").read_settings().encoder is None


def test_a_rollback_to_an_english_version_leads_back_to_english(run, home):
    run("How do I pay?")
    run("How do I pay?", "怎么付款")
    roll_back(home.knowledge_base("shop"))
    assert run("How can I pay?")[0] == ENGLISH


def test_a_knowledge_base_whose_current_version_is_damaged_stays_what_its_others_are(run, home):
    kb = home.knowledge_base("shop")
    run("How do I pay?", "怎么付款")
    run("How do I pay?", "怎么付款？", "Where?")
    (kb.versions / version_names(kb)[-1] / "manifest.json").write_text("{")
    assert run("How do I pay?")[0] == DEFAULT_MODEL


def test_a_named_encoder_is_taken_without_a_word_whatever_the_language(run, home, english):
    model, said = run("怎么付款", model=str(english))
    assert model == ENGLISH
    assert said.startswith("knowledge base shop: published version ")
    assert run("怎么付款")[0] == ENGLISH  # remembered
    assert home.knowledge_base("shop").read_settings().encoder == ENGLISH


def test_the_setting_is_taken_and_not_remembered(run, home):
    assert run("How do I pay?", encoder=DEFAULT_MODEL)[0] == DEFAULT_MODEL
    assert home.knowledge_base("shop").read_settings().encoder is None


def test_the_setting_reaches_the_command_from_the_environment(faqmatch, tmp_path):
    (tmp_path / "faq.csv").write_text("question,answer\nHow?,So.\n")
    ran = faqmatch("index", "faq.csv", "--kb", "new", "--home", tmp_path / "home", FAQMATCH_ENCODER="nothing")
    assert ran.mistake.startswith("setting encoder (FAQMATCH_ENCODER, or encoder in faqmatch.toml): model nothing: ")
