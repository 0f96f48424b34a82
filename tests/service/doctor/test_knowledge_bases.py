import shutil
from dataclasses import replace

import pytest

from indexer.version_list import folder_size, version_names
from models.directory import DEFAULT_MODEL
from service.doctor import knowledge_bases, models


@pytest.fixture
def kb(home):
    return home.knowledge_base("demo")


def check(home, kb):
    return list(knowledge_bases.check_knowledge_base(home, kb, models.model_problems(home)))


def grave(found):
    return [finding for finding in found if finding.status != "ok"]


def test_a_whole_knowledge_base_is_well(home, kb, encoder):
    older, newer = version_names(kb)
    facts = f"whole, 4 phrasings with {encoder.spec.label}"
    assert [str(found) for found in check(home, kb)] == [
        "demo kb.json: valid; the next index run takes an encoder for the languages of the FAQ",
        f"demo {older}: {facts}",
        f"demo {newer} (current): {facts}",
    ]


@pytest.mark.parametrize("file", ["manifest.json", "entries.jsonl", "phrasings.jsonl", "vectors.npy", "dense.faiss"])
def test_a_damaged_current_version_is_a_failure(home, kb, damage, file):
    damage(kb.versions / version_names(kb)[1] / file)
    [found] = grave(check(home, kb))
    assert (found.status, found.fix) == ("fail", "roll back, or index again")
    assert found.what == f"demo {version_names(kb)[1]} (current)"
    assert file in found.finding


def test_a_damaged_earlier_version_is_a_warning(home, kb, damage):
    damage(kb.versions / version_names(kb)[0] / "entries.jsonl")
    [found] = grave(check(home, kb))
    assert (found.status, found.what) == ("warn", f"demo {version_names(kb)[0]}")
    assert found.fix == "nothing can be rolled back to it; index runs to come remove it"


def test_a_current_version_that_is_missing_is_a_failure(home, kb):
    current = kb.versions / version_names(kb)[1]
    shutil.rmtree(current)
    [found] = grave(check(home, kb))
    assert (found.status, found.finding) == ("fail", f"{current}: is missing")
    assert found.fix == "faqmatch rollback --kb demo"


def test_a_damaged_current_file_is_a_failure(home, kb):
    kb.current_file.write_text("{")
    [found] = grave(check(home, kb))
    assert (found.status, found.fix) == ("fail", "faqmatch rollback --kb demo")
    assert "CURRENT: is damaged" in found.finding


@pytest.mark.parametrize("content", ["{", '{"name": "demo", "answer_threshold": 2}', None])
def test_a_kb_json_that_is_not_valid_is_one_failure(home, kb, content):
    kb.settings_file.unlink()
    if content is not None:
        kb.settings_file.write_text(content)
    [found] = grave(check(home, kb))
    assert (found.status, found.what, found.fix) == ("fail", "demo kb.json", "docs/using.md shows how it is written")


def test_the_encoder_that_kb_json_names_is_the_one_of_the_next_run(home, kb):
    kb.write_settings(replace(kb.read_settings(), encoder=DEFAULT_MODEL))
    assert str(check(home, kb)[0]) == f"demo kb.json: valid; the next index run takes the encoder {DEFAULT_MODEL}"


def test_an_encoder_for_the_next_run_that_is_gone_is_a_warning(home, kb):
    kb.write_settings(replace(kb.read_settings(), encoder="of-last-year"))
    [found] = grave(check(home, kb))
    assert (found.status, found.what) == ("warn", "demo kb.json")
    assert found.finding.startswith("model of-last-year: neither a shipped model")
    assert found.finding.endswith("the next index run would stop")
    assert f"--model {DEFAULT_MODEL}" in found.fix


def test_a_missing_model_is_a_failure_of_the_current_version_and_a_warning_of_others(home, kb, encoder):
    shutil.rmtree(home.model_path(encoder.spec))
    older, newer = grave(check(home, kb))
    assert (older.status, newer.status) == ("warn", "fail")
    for found in (older, newer):
        assert found.finding == f"{home.model_path(encoder.spec)}: is missing, the index was built with it"
        assert found.fix == "restore it from a backup, or index again"


def test_a_damaged_model_is_told_with_the_version_too(home, kb, encoder, damage):
    damage(home.model_path(encoder.spec) / "tokenizer.json")
    older, newer = grave(check(home, kb))
    assert (older.status, newer.status) == ("warn", "fail")
    assert newer.finding.startswith(f"its model is damaged, {home.model_path(encoder.spec)}")
    assert newer.fix == "restore it from a backup, or index again"


def test_a_model_that_was_edited_so_that_its_spec_fits_is_told_with_the_version(home, kb, encoder):
    spec = home.model_path(encoder.spec) / "spec.json"
    content = spec.read_bytes()
    spec.unlink()
    spec.write_bytes(content.replace(b'"en"', b'"eo"'))
    older, newer = grave(check(home, kb))
    assert (older.status, newer.status) == ("warn", "fail")
    assert newer.finding.startswith(f"{spec}: was changed or damaged (its SHA-256 differs from what version ")
    assert newer.fix == "restore it from a backup, or index again"


def test_the_quantities_follow_from_the_folders(home, kb, publish):
    publish(home, "another answer", kb="shop")
    shop = home.knowledge_base("shop")
    assert knowledge_bases.names_of_versions(home) == version_names(kb) + version_names(shop)
    sizes = {path: folder_size(path) for base in (kb, shop) for path in base.versions.iterdir()}
    assert knowledge_bases.largest_version(home) == max(sizes.values())
    served = [sizes[kb.versions / version_names(kb)[1]], sizes[shop.versions / version_names(shop)[0]]]
    needed = knowledge_bases.SERVICE_MEMORY + sum(served) + max(served)
    assert knowledge_bases.needed_memory(home) == needed


def test_an_empty_home_needs_a_service_and_no_more(tmp_path):
    home = knowledge_bases.Home(tmp_path)
    assert knowledge_bases.needed_memory(home) == knowledge_bases.SERVICE_MEMORY
    assert knowledge_bases.largest_version(home) == 0
    assert knowledge_bases.names_of_versions(home) == []
