"""Damaged files: each is refused by its name, and the version before serves, at a start and in a running service."""

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from indexer.errors import EncoderMismatch, KnowledgeBaseError, VersionError
from indexer.home import Home, KnowledgeBaseSettings
from indexer.publishing import make_current
from indexer.rollback import roll_back
from indexer.version_list import list_versions, version_names
from models.directory import open_directory, write_spec
from service.commands.versions import verify
from service.matching import MatchOptions
from service.registry import Registry

KB = "demo"
REPOSITORY = Path(__file__).parents[2]
FILES = ("manifest.json", "entries.jsonl", "phrasings.jsonl", "vectors.npy", "dense.faiss")
MODEL_FILES = ("spec.json", "model.onnx", "tokenizer.json", "confidence.json", "card.md")
RANDOM_DAMAGES = 5_000
PATIENCE_S = 30


def turn_a_bit(content: bytes, place: float = 0.5, bit: int = 0) -> bytes:
    at = min(int(len(content) * place), len(content) - 1)
    return content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :]


def overwrite(content: bytes, place: float = 0.3, new: bytes = b"\x00\xff\x13\x37zzz\x80") -> bytes:
    at = int(max(0, len(content) - len(new)) * place)
    return content[:at] + new + content[at + len(new) :]


def damage_header(content: bytes) -> bytes:
    return bytes(16) + content[16:]


def cut(content: bytes, place: float = 0.5) -> bytes:
    return content[: int(len(content) * place)]


def empty(_content: bytes) -> bytes:
    return b""


IN_PLACE = (turn_a_bit, overwrite, damage_header, cut, empty)


def damage_file(file: Path, other: Path, damage: Callable[[bytes], bytes] | str) -> None:
    """Damage `file`; "swapped" puts `other` in its place."""
    if damage == "deleted":
        file.unlink()
        return
    before = file.read_bytes()
    after = other.read_bytes() if damage == "swapped" else damage(before)
    assert after != before
    file.unlink()
    file.write_bytes(after)


damages = pytest.mark.parametrize("damage", [*IN_PLACE, "deleted", "swapped"], ids=lambda d: getattr(d, "__name__", d))


@pytest.fixture
def home(copy_home, pristine) -> Home:
    """Versions 1 and 2 of the old model, 3 of the new one is current."""
    return copy_home(pristine.path)


@pytest.fixture
def kb(home):
    return home.knowledge_base(KB)


@pytest.fixture
def versions(kb) -> list[Path]:
    return [kb.versions / name for name in version_names(kb)]


@pytest.fixture
def home_models(home) -> tuple[Path, Path]:
    [old], [new] = ((home.path / "models").glob(f"{name}@*") for name in ("old", "new"))
    return old, new


@pytest.fixture
def running(kb, home) -> Iterator[tuple[Registry, Callable[[], None]]]:
    """A service that serves version 2, and what makes it meet version 3."""
    third = kb.current_file.read_bytes()
    roll_back(kb)
    registry = Registry(home)
    registry.refresh()
    second = kb.current_file.read_bytes()
    kb.current_file.write_bytes(third)

    def meet() -> None:
        if kb.current_file.exists() and kb.current_file.read_bytes() == second:
            kb.current_file.write_bytes(third)
        registry.refresh()

    return registry, meet


@pytest.fixture
def verified(home, capsys) -> Callable[[], str]:
    """Run `faqmatch verify`, which must fail, and give what it printed."""

    def verified() -> str:
        with pytest.raises(VersionError, match="cannot be trusted"):
            verify(home, None)
        return capsys.readouterr().out

    return verified


@damages
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_of_the_current_version_is_refused_by_name(
    versions, running, look, asked, verified, home, name, damage
):
    registry, meet = running
    damage_file(versions[2] / name, versions[1] / name, damage)
    meet()
    assert asked(registry) == 2
    assert f"{versions[2].name}/{name}: " in registry.describe(KB).problem
    assert registry.readiness().ready
    started = look(home)
    assert (started.number, started.ready) == (2, True)
    assert f"{versions[2].name}/{name}: " in started.problem
    assert f"{versions[2] / name}: " in verified()


@damages
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_of_an_earlier_version_is_refused_by_name_when_it_is_rolled_back_to(
    versions, kb, look, verified, home, name, damage
):
    damage_file(versions[1] / name, versions[2] / name, damage)
    before = kb.current_file.read_bytes()
    assert f"{versions[1] / name}: " in verified()
    with pytest.raises(VersionError, match=re.escape(f"{versions[1] / name}: ")):
        roll_back(kb, versions[1].name)
    assert kb.current_file.read_bytes() == before
    assert look(home).number == 3
    assert roll_back(kb) == versions[0].name  # passes over it
    assert look(home).number == 1


@pytest.mark.parametrize("number", [1, 2], ids=["earlier", "current"])
@pytest.mark.parametrize("name", FILES[1:])
def test_a_manifest_made_to_fit_a_damaged_file_is_refused(versions, kb, look, verified, home, name, number):
    file, manifest = versions[number] / name, versions[number] / "manifest.json"
    old = hashlib.sha256(file.read_bytes()).hexdigest()
    file.write_bytes(turn_a_bit(file.read_bytes()))
    new = hashlib.sha256(file.read_bytes()).hexdigest()
    manifest.write_text(manifest.read_text().replace(old, new))
    assert f"{manifest}: was changed or damaged" in verified()
    assert look(home).number == (3 if number == 1 else 2)
    with pytest.raises(VersionError, match=r"manifest\.json: was changed or damaged"):
        roll_back(kb, versions[number].name)


@pytest.mark.parametrize("part", ["version", "manifest_sha256", "revision"])
def test_a_current_that_names_another_version_or_revision_is_refused(kb, versions, look, verified, home, part):
    fields = json.loads(kb.current_file.read_bytes())
    fields[part] = {"version": versions[1].name, "manifest_sha256": "0" * 64, "revision": 1}[part]
    kb.current_file.write_text(json.dumps(fields) + "\n")
    assert f"{kb.current_file}: is damaged" in verified()
    started = look(home)
    assert started.ready
    assert "CURRENT: is damaged" in started.problem


@pytest.mark.parametrize("damage", [*IN_PLACE, "deleted"], ids=lambda d: getattr(d, "__name__", d))
def test_a_damaged_current_is_refused_by_name(kb, running, look, asked, verified, home, damage):
    registry, meet = running
    damage_file(kb.current_file, kb.current_file, damage)
    meet()
    assert asked(registry) == 2
    told = "is missing" if damage == "deleted" else "is damaged"
    assert f"CURRENT: {told}" in registry.describe(KB).problem
    started = look(home)
    assert (started.number, started.ready) == (3, True)
    assert f"CURRENT: {told}" in started.problem
    assert f"{kb.current_file}: {told}" in verified()
    roll_back(kb)
    assert look(home).problem is None


def test_the_current_of_another_knowledge_base_is_refused_by_the_name_it_has(
    kb, running, look, asked, verified, home, models, publish
):
    registry, meet = running
    other = publish(home, models[0], 7, "other")
    shutil.copy(home.knowledge_base("other").current_file, kb.current_file)
    meet()
    assert asked(registry) == 2
    assert f"{other}/manifest.json: is missing" in registry.describe(KB).problem
    assert look(home).number == 3
    assert f"{kb.versions / other}: is missing" in verified()


@pytest.mark.parametrize("damage", [overwrite, damage_header, cut, empty, "deleted"])
def test_damaged_settings_are_refused_by_name(kb, running, look, asked, verified, home, damage):
    kb.write_settings(KnowledgeBaseSettings(name=KB, answer_threshold=0.9, default_answer="Ask a person."))
    registry, meet = running
    meet()
    assert (asked(registry), registry.describe(KB).thresholds.answer) == (3, 0.9)
    damage_file(kb.settings_file, kb.settings_file, damage)
    meet()
    assert (asked(registry), registry.describe(KB).thresholds.answer) == (3, 0.9)
    assert "kb.json: " in registry.describe(KB).problem
    started = look(home)
    assert (started.number, started.ready) == (None, False)  # rather than with thresholds that nobody chose
    assert "kb.json: " in started.problem
    assert f"{kb.settings_file}: " in verified()


@damages
@pytest.mark.parametrize("name", MODEL_FILES)
def test_a_damaged_file_of_a_model_is_refused_by_name_and_a_version_with_another_serves(
    home_models, running, look, asked, verified, home, name, damage
):
    old, new = home_models
    registry, meet = running
    damage_file(new / name, old / name, damage)
    meet()
    assert asked(registry) == 2
    problem = registry.describe(KB).problem
    # A spec that was swapped says of the files that they are not its own; one that is gone makes no model.
    assert new.name in problem
    assert name in problem or (name, damage) == ("spec.json", "swapped")
    started = look(home)
    assert (started.number, started.problem, started.ready) == (2, problem, True)
    assert problem.partition(": ")[2] in verified()


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_spec_made_to_fit_a_damaged_file_of_a_model_is_refused(home_models, look, verified, home, name):
    refit_spec(home_models[1], name)
    started = look(home)
    assert (started.number, started.ready) == (2, True)
    assert "spec.json: digest does not follow" in started.problem
    assert "spec.json: digest does not follow" in verified()


def refit_by_hand(name: str) -> Callable[[Path], None]:
    def refit(model: Path) -> None:
        refit_spec(model, name)

    return refit


def edit_spec(old: str, new: str) -> Callable[[Path], None]:
    def edit(model: Path) -> None:
        spec = model / "spec.json"
        assert old in spec.read_text()
        spec.write_text(spec.read_text().replace(old, new))

    return edit


edits_of_a_model = pytest.mark.parametrize(
    "edit",
    [
        refit_by_hand("confidence.json"),
        refit_by_hand("card.md"),
        edit_spec('"name": "new"', '"name": "nev"'),
        edit_spec('"en"', '"eo"'),
    ],
    ids=["confidence", "card", "name", "language"],
)


@edits_of_a_model
def test_a_model_edited_so_that_its_spec_fits_is_refused_by_name(
    home_models, running, look, asked, verified, versions, kb, home, edit
):
    registry, meet = running
    edit(home_models[1])
    meet()
    assert asked(registry) == 2
    refused = f"{home_models[1].name}/spec.json: was changed or damaged (its SHA-256 differs from what version "
    assert f"{refused}{versions[2].name} recorded): " in registry.describe(KB).problem
    started = look(home)
    assert (started.number, started.problem, started.ready) == (2, registry.describe(KB).problem, True)
    assert f"{KB} {versions[2].name} (current): {home.path}/models/{refused}" in verified()
    roll_back(kb)
    with pytest.raises(EncoderMismatch, match=r"spec\.json: was changed or damaged"):
        roll_back(kb, versions[2].name, home.check_model)
    assert look(home).number == 2


@edits_of_a_model
def test_the_next_index_puts_the_whole_model_in_the_place_of_an_edited_one(
    home_models, models, publish, look, versions, home, edit
):
    edit(home_models[1])
    publish(home, models[1], 3)
    assert (look(home).number, look(home).problem) == (3, None)
    assert (home_models[1] / "spec.json").read_bytes() == (models[1] / "spec.json").read_bytes()
    verify(home, None)  # the version that refused it is whole again
    assert version_names(home.knowledge_base(KB)) == [version.name for version in versions]


@pytest.fixture
def later_release(tmp_path, models) -> Path:
    """The new model as a later release has it: with equal vectors, another card and another map."""
    model = shutil.copytree(models[1], tmp_path / "new")
    (model / "card.md").write_text("# new\n\nMeasured again.\n")
    confidence = json.loads((model / "confidence.json").read_bytes())
    (model / "confidence.json").write_text(json.dumps(confidence | {"intercept": confidence["intercept"] - 1}))
    write_spec(model, open_directory(models[1]).spec)
    return model


def test_a_later_release_of_an_unchanged_encoder_leaves_the_copy_and_all_versions_as_they_are(
    home_models, later_release, publish, look, versions, home
):
    before = (home_models[1] / "spec.json").read_bytes()
    assert publish(home, later_release, 3) == versions[2].name  # nothing has changed
    publish(home, later_release, 4)
    assert (look(home).number, look(home).problem) == (4, None)
    assert (home_models[1] / "spec.json").read_bytes() == before
    verify(home, None)


def test_a_copy_that_was_removed_and_made_anew_by_a_later_release_is_refused_until_the_next_index(
    home_models, later_release, publish, look, versions, verified, home
):
    shutil.rmtree(home_models[1])
    home.adopt_model(open_directory(later_release))
    problem = look(home).problem
    assert problem.startswith(f"models/{home_models[1].name}/spec.json: was changed or damaged")
    assert problem.endswith(f"what version {versions[2].name} recorded): restore it from a backup, or index again")
    assert look(home).number == 2
    anew = publish(home, later_release, 3)
    assert anew > versions[2].name
    assert (look(home).number, look(home).problem) == (3, None)
    told = verified()
    assert f"{KB} {anew} (current): whole" in told
    assert f"{KB} {versions[2].name}: {home_models[1]}/spec.json: was changed or damaged" in told


def test_a_running_service_takes_the_map_of_the_copy_that_a_new_version_was_built_with(
    home_models, later_release, publish, home
):
    registry = Registry(home)
    registry.refresh()
    before = registry.matcher(KB).match("where parcel", MatchOptions())
    shutil.rmtree(home_models[1])
    publish(home, later_release, 3)
    registry.refresh()
    after = registry.matcher(KB).match("where parcel", MatchOptions())
    assert [match.similarity for match in after.matches] == [match.similarity for match in before.matches]
    assert after.calibration != before.calibration
    assert after.confidence < before.confidence
    assert registry.describe(KB).problem is None


def test_a_version_of_before_there_were_seals_is_served_and_the_next_index_seals_its_model(
    home_models, models, publish, look, versions, kb, home
):
    unsealed = take_the_seal_from(versions[2])
    make_current(kb, unsealed.name)
    assert (look(home).number, look(home).problem) == (3, None)
    verify(home, None)
    sealed = publish(home, models[1], 3)
    assert sealed > unsealed.name
    edit_spec('"en"', '"eo"')(home_models[1])
    started = look(home)
    assert started.number == 3
    assert f"what version {sealed} recorded" in started.problem


def take_the_seal_from(version: Path) -> Path:
    """Make a version what the release before would have written; give its new folder."""
    manifest = json.loads((version / "manifest.json").read_bytes())
    assert manifest.pop("model_seal")
    manifest["format_version"] = 1
    time = version.name.partition("-")[0]
    seal = hashlib.sha256(json.dumps(manifest | {"version": f"{time}-00000000"}).encode()).hexdigest()
    manifest["version"] = f"{time}-{seal[:8]}"
    (version / "manifest.json").write_text(json.dumps(manifest))
    return version.rename(version.with_name(manifest["version"]))


def refit_spec(model: Path, name: str) -> None:
    """Change a digit of a file, and the hash of it that spec.json has."""
    file, spec = model / name, model / "spec.json"
    content = file.read_bytes()
    at = [match.start() for match in re.finditer(rb"[0-9]", content)] or [len(content) // 2]
    changed = turn_a_bit(content, (at[-1] + 0.5) / len(content))
    old, new = (hashlib.sha256(one).hexdigest() for one in (content, changed))
    file.write_bytes(changed)
    spec.write_text(spec.read_text().replace(old, new))


def faqmatch(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "service.cli", *arguments]
    return subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=60)


def environment(folder: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FAQMATCH_")}
    return inherited | {"PYTHONPATH": str(REPOSITORY), "HOME": str(folder)}


def test_a_service_process_names_the_damage_and_answers_from_the_version_before(kb, versions, home, tmp_path):
    third = kb.current_file.read_bytes()
    roll_back(kb)
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-m", "service.cli", "serve", "--home", str(home.path), "--port", "0"]
        process = subprocess.Popen(command, cwd=tmp_path, env=environment(tmp_path), stdout=log, stderr=log)
    try:
        listening = wait_for(lambda: re.search(r'"url": "([^"]+)"', (tmp_path / "log").read_text()))
        with httpx.Client(base_url=listening[1], timeout=PATIENCE_S) as client:
            assert wait_for(lambda: client.get("/readyz").json() == {"status": "ready", "problems": []})
            damage_file(versions[2] / "vectors.npy", versions[2] / "vectors.npy", turn_a_bit)
            kb.current_file.write_bytes(third)
            problems = wait_for(lambda: client.get("/readyz").json()["problems"])
            assert client.get("/readyz").status_code == 200
            [problem] = problems
            assert f"{versions[2].name}/vectors.npy: was changed or damaged" in problem
            [told] = client.get("/v1/kbs").json()["knowledge_bases"]
            assert told["version"] == versions[1].name
            assert f"{KB}: {told['problem']}" == problem
            reply = client.post(f"/v1/kbs/{KB}/query", json={"question": "where is my parcel"}).json()
            assert (reply["answer"], reply["version"]) == ("parcel 2", versions[1].name)
        ran = faqmatch("verify", "--home", str(home.path), folder=tmp_path)
        assert ran.returncode == 1
        assert f"{versions[2] / 'vectors.npy'}: was changed or damaged" in ran.stdout
        assert ran.stderr.startswith("faqmatch: 1 of 3 versions cannot be trusted")
        assert ran.stderr.count("\n") == 1
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def wait_for(look_at: Callable[[], object]) -> object:
    """Give the first of its results that is true."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        if found := look_at():
            return found
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def damage_by_chance(chance: random.Random, content: bytes, other: bytes) -> bytes | None:
    """Give other bytes, or None for a file that is gone."""
    while True:
        after = chance.choice(
            [
                lambda: turn_a_bit(content, chance.random(), chance.randrange(8)),
                lambda: overwrite(content, chance.random(), chance.randbytes(8)),
                lambda: overwrite(content, 0, chance.randbytes(chance.randint(1, 16))),
                lambda: cut(content, chance.random()),
                lambda: content[: (at := chance.randrange(len(content)))] + chance.randbytes(1) + content[at:],
                lambda: b"",
                lambda: None,
                lambda: other,
            ]
        )()
        if after != content:
            return after


@pytest.mark.long
def test_whatever_is_damaged_it_is_refused_by_name_and_no_answer_is_wrong(home, kb, versions, home_models, look):
    chance = random.Random(20261124)
    kb.write_settings(KnowledgeBaseSettings(name=KB, answer_threshold=0.85, default_answer="Ask a person."))
    pairs = [
        *(
            (version / name, versions[1 - at] / name)
            for at, version in ((2, versions[2]), (1, versions[1]))
            for name in FILES
        ),
        *((home_models[1] / name, home_models[0] / name) for name in MODEL_FILES),
        (kb.current_file, versions[2] / "manifest.json"),
        (kb.settings_file, versions[2] / "manifest.json"),
    ]
    refused = edits = 0
    for _ in range(RANDOM_DAMAGES):
        file, other = chance.choice(pairs)
        before = file.read_bytes()
        after = damage_by_chance(chance, before, other.read_bytes())
        file.unlink()
        if after is not None:
            file.write_bytes(after)
        if is_an_edit(file, kb):
            edits += 1
            assert look(home).number == 3
        else:
            check_refused(home, kb, versions, file, look)
            refused += 1
        file.write_bytes(before)
    assert look(home).problem is None
    print(f"\n{refused} damages refused by name; {edits} of kb.json that an operator could have made")


def is_an_edit(file: Path, kb) -> bool:
    """Say whether it could be an operator's own edit, of kb.json: nothing seals what is theirs."""
    if file != kb.settings_file or not file.exists():
        return False
    try:
        kb.read_settings()
    except KnowledgeBaseError:
        return False
    return True


def check_refused(home, kb, versions, file, look) -> None:
    problems = [listed.problem for listed in list_versions(kb, verify=True) if listed.problem]
    started = look(home)
    names_it = [text for text in (*problems, started.problem or "") if names(text, file)]
    assert names_it, (file, problems, started)
    assert "see the log of the service" not in (started.problem or "")
    if file.is_relative_to(versions[1]):
        assert (started.number, started.problem) == (3, None)
        with pytest.raises(VersionError):
            roll_back(kb, versions[1].name)
    elif file == kb.settings_file:
        assert started.number is None
    elif file == kb.current_file:
        assert started.number == 3
    else:
        assert started.number == 2


def names(problem: str, file: Path) -> bool:
    """Say whether the file is named, or the model by whose spec.json nothing else is what it says."""
    return file.name in problem or (file.name == "spec.json" and file.parent.name in problem)
