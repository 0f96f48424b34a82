import pytest

from indexer.publishing import read_current, version_names


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


@pytest.mark.parametrize("command", ["versions", "rollback", "verify"])
def test_an_unknown_knowledge_base_is_one_line_that_lists_those_there_are(faqmatch, home, command):
    mistake = faqmatch(command, "--kb", "shop", "--home", home.path).mistake
    assert mistake == f"knowledge base shop: not found in {home.path} (there: demo): make it with faqmatch index"
