import pytest

from indexer.current import read_current
from indexer.version_list import version_names


@pytest.fixture
def kb(home):
    return home.knowledge_base("demo")


def test_the_versions_are_listed_oldest_first(faqmatch, home, kb, encoder):
    ran = faqmatch("versions", "--kb", "demo", "--home", home.path)
    rows = [[cell.strip() for cell in line.split("│")[1:7]] for line in ran.out.splitlines() if line.startswith("│")]
    older, newer = version_names(kb)
    facts = ["3", "4", "flat, recall 1.000", encoder.spec.label]
    assert rows == [[older, "", *facts], [newer, "current", *facts]]


def test_a_rollback_goes_one_back_and_there_it_ends(faqmatch, home, kb):
    older, newer = version_names(kb)
    ran = faqmatch("rollback", "--kb", "demo", "--home", home.path)
    assert (ran.code, ran.out) == (0, f"knowledge base demo: version {older} is current\n")
    assert read_current(kb).version == older
    again = faqmatch("rollback", "--kb", "demo", "--home", home.path)
    assert again.mistake == "knowledge base demo: no whole version before the current one: index again"
    assert read_current(kb).version == older
    assert faqmatch("rollback", "--kb", "demo", "--home", home.path, "--to", newer).code == 0
    assert read_current(kb).version == newer


def test_a_rollback_to_what_is_not_there_is_one_line_that_lists_what_is(faqmatch, home, kb):
    before = kb.current_file.read_bytes()
    older, newer = version_names(kb)
    mistake = faqmatch("rollback", "--kb", "demo", "--home", home.path, "--to", "yesterday").mistake
    assert mistake == f"version yesterday: not found (there: {older}, {newer})"
    assert kb.current_file.read_bytes() == before


def test_a_rollback_to_a_damaged_version_is_refused(faqmatch, home, kb, damage):
    before = kb.current_file.read_bytes()
    older, _ = version_names(kb)
    damage(kb.versions / older / "vectors.npy")
    assert (
        "vectors.npy: was changed" in faqmatch("rollback", "--kb", "demo", "--home", home.path, "--to", older).mistake
    )
    assert kb.current_file.read_bytes() == before


def test_verify_calls_whole_what_is_whole(faqmatch, home, kb):
    older, newer = version_names(kb)
    ran = faqmatch("verify", "--home", home.path)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"demo {older}: whole\ndemo {newer} (current): whole\n2 versions, all whole\n"


def test_versions_and_their_state_are_told_in_chinese(faqmatch, home, kb, damage):
    older, newer = version_names(kb)
    header = faqmatch("versions", "--kb", "demo", "--home", home.path, FAQMATCH_LANG="zh").out.splitlines()[1]
    assert header.replace("┃", " ").split() == ["版本", "条目数", "问法数", "索引", "模型", "大小"]
    file = kb.versions / older / "dense.faiss"
    damage(file)
    ran = faqmatch("verify", "--home", home.path, FAQMATCH_LANG="zh")
    assert ran.mistake == "2 个版本中有 1 个不可信：请回滚到完好的版本，或重新索引"
    first, second = ran.out.splitlines()
    assert first == f"demo {older}：{file}：被改动或已损坏（SHA-256 不符）：请回滚，或重新索引"
    assert second == f"demo {newer}（当前版本）：完好"


def test_verify_names_every_damaged_file_and_fails(faqmatch, home, kb, damage):
    older, newer = version_names(kb)
    damage(kb.versions / older / "dense.faiss")
    (kb.versions / newer / "entries.jsonl").unlink()
    ran = faqmatch("verify", "--kb", "demo", "--home", home.path)
    assert ran.mistake == "2 of 2 versions cannot be trusted: roll back to a whole one, or index again"
    first, second = ran.out.splitlines()
    assert first.startswith(f"demo {older}: {kb.versions / older / 'dense.faiss'}: was changed or damaged")
    assert second.startswith(f"demo {newer} (current): {kb.versions / newer / 'entries.jsonl'}: is missing")


def test_verify_looks_at_the_model_too(faqmatch, home, damage, encoder):
    model = home.model_path(encoder.spec)
    damage(model / "model.onnx")
    ran = faqmatch("verify", "--home", home.path)
    assert ran.mistake.startswith("2 of 2 versions")
    assert f"{model / 'model.onnx'}: was changed or damaged" in ran.out


def test_verify_and_rollback_name_a_model_that_was_edited_so_that_its_spec_fits(faqmatch, home, kb, encoder):
    older, newer = version_names(kb)
    spec = home.model_path(encoder.spec) / "spec.json"
    content = spec.read_bytes()
    spec.unlink()
    spec.write_bytes(content.replace(b'"en"', b'"eo"'))
    changed = f"{spec}: was changed or damaged (its SHA-256 differs from what version {{}} recorded): restore it"
    out = faqmatch("verify", "--home", home.path).out
    assert f"demo {older}: {changed.format(older)}" in out
    assert f"demo {newer} (current): {changed.format(newer)}" in out
    mistake = faqmatch("rollback", "--kb", "demo", "--home", home.path, "--to", older).mistake
    assert mistake.startswith(changed.format(older))


@pytest.mark.parametrize("command", ["versions", "rollback", "verify"])
def test_an_unknown_knowledge_base_is_one_line_that_lists_those_there_are(faqmatch, home, command):
    mistake = faqmatch(command, "--kb", "shop", "--home", home.path).mistake
    assert mistake == f"knowledge base shop: not found in {home.path} (there: demo): make it with faqmatch index"
