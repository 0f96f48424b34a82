"""The command on a BERT of thirteen words, whose questions are sets of words in any order."""

import os
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from models.directory import open_directory
from models.encoder import OnnxEncoder
from models.errors import TrainingError
from service.commands import train
from service.commands.train import SiameseOptions, train_siamese_model

REPOSITORY = Path(__file__).parents[3]
RECIPE = """\
steps = {steps}
rows = 8
learning_rate = 1e-3
development_share = 0.3
evaluate_every = 10
patience = 100
max_tokens = 16
[[task]]
kind = "groups"
share = 1
files = ["faq.jsonl"]
source = "made for a test"
"""


@pytest.fixture
def here(toy_training) -> Path:
    """The toy training, with its toy.toml."""
    (toy_training / "toy.toml").write_text(RECIPE.format(steps=20))
    return toy_training


@pytest.fixture
def run(here):
    """Run the command in this process."""
    assert Path.cwd() == here

    def run(**options: object) -> None:
        options = {"recipe": "toy.toml", "data": Path("data"), "out": Path("out"), "base": Path("base")} | options
        options = {"max_hours": None, "name": None, "development": (Path("development"),)} | options
        train_siamese_model(SiameseOptions(languages=("en",), threads=1, **options))

    return run


def lines(capsys) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_the_last_line_says_where_the_model_is_and_how_to_use_it(run, capsys):
    run()
    said = lines(capsys)
    spec = open_directory(Path("out/toy")).spec
    assert said[-2:] == [
        f"out/toy: {spec.label}, see card.md there for what was measured",
        "to use it: faqmatch index FILE --kb KB --model out/toy",
    ]
    assert (spec.name, spec.languages, spec.max_tokens) == ("toy", ("en",), 40)
    same, other = OnnxEncoder.open(Path("out/toy")).encode(["how do i", "i do how"])
    assert same @ other > 0.5
    assert "made for a test" in Path("out/toy/card.md").read_text()
    assert Path("out/recipe.toml").read_text() == RECIPE.format(steps=20)


def test_a_second_start_converts_what_is_trained_already(run, capsys):
    run()
    run(name="other")
    assert "out/checkpoint: is trained already" in lines(capsys)
    assert open_directory(Path("out/other")).spec.name == "other"


def test_another_recipe_in_the_same_folder_is_refused(run, here):
    run()
    (here / "toy.toml").write_text(RECIPE.format(steps=30))
    with pytest.raises(TrainingError, match="out: was begun with another recipe"):
        run()


@pytest.mark.parametrize("name", ["base", "run", "checkpoint", "a/b", ".."])
def test_a_name_that_the_folder_has_no_room_for_is_refused_before_anything_is_written(run, here, name):
    with pytest.raises(TrainingError) as refused:
        run(name=name)
    assert str(refused.value) == f"name {name!r}: choose another one (letters, digits, _, - and .)"
    assert not (here / "out").exists()


def test_development_sets_are_read_before_the_training(run, here):
    with pytest.raises(FileNotFoundError):
        run(development=(Path("none"),))
    assert not (here / "out").exists()


def test_without_a_base_the_pretrained_trunk_is_written_once(run, here, capsys, monkeypatch):
    written = []

    def write(folder: Path, languages: str) -> int:
        written.append((folder, languages))
        (here / "base").rename(folder)
        (folder / "PROVENANCE.md").write_text("- Weights: toy. Not trained any further.\n")
        return 14

    monkeypatch.setattr(train, "write_pretrained_trunk", write)
    (here / "out").mkdir()
    for _ in range(2):
        run(base=None)
    assert written == [(Path("out/base"), "zh,en")]
    assert "out/base: 14 pieces" in lines(capsys)
    assert "- Weights: toy. The trunk of what follows." in Path("out/toy/card.md").read_text()


def test_stopped_before_the_first_checkpoint_it_says_that_it_begins_anew(run, capsys, monkeypatch):
    def stop(*_: object) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "train_siamese", stop)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert capsys.readouterr().err == "stopped before the first checkpoint: the same command begins anew\n"


def command(here: Path, *more: str) -> subprocess.Popen[str]:
    arguments = ["--recipe", "toy.toml", "--data", "data", "--out", "stopped", "--base", "base", *more]
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "service.cli", "train", "siamese", *arguments],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", "LANG": "C.UTF-8", "LC_ALL": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell starts background jobs without it
    )


def stop_after_a_checkpoint(here: Path, signal_number: int) -> tuple[int, str]:
    """Send the signal once step 20 is kept; give the exit code and what was complained of."""
    (here / "toy.toml").write_text(RECIPE.format(steps=300))
    process = command(here)
    deadline = time.monotonic() + 120
    while not (here / "stopped" / "run" / "checkpoint-20" / "trainer_state.json").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal_number)
    _, complaint = process.communicate(timeout=60)
    return process.returncode, complaint


def test_ctrl_c_says_after_which_step_the_same_command_goes_on(here):
    code, complaint = stop_after_a_checkpoint(here, signal.SIGINT)
    assert code == 130
    step = int(complaint.rpartition(" ")[2])
    assert complaint == f"stopped: the same command goes on after step {step}\n"
    assert 20 <= step < 300


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGKILL])
def test_after_a_stop_or_a_kill_the_same_command_ends_with_the_weights_of_a_run_that_was_neither(
    run, here, signal_number
):
    code, _ = stop_after_a_checkpoint(here, signal_number)
    assert code == (130 if signal_number == signal.SIGINT else -signal.SIGKILL)
    assert not (here / "stopped" / "checkpoint").exists()
    second = command(here, "--development", "development", "--languages", "en")
    said, complaint = second.communicate(timeout=120)
    assert second.returncode == 0, complaint
    assert said.splitlines()[-1] == "to use it: faqmatch index FILE --kb KB --model stopped/toy"

    run()
    weights, others = (load_file(here / out / "checkpoint" / "model.safetensors") for out in ("stopped", "out"))
    assert weights.keys() == others.keys()
    assert all(torch.equal(weights[name], others[name]) for name in weights)


def test_a_mistake_is_one_line(faqmatch, tmp_path):
    arguments = ("--recipe", "own-faq", "--data", tmp_path, "--out", tmp_path / "out", "--base", tmp_path / "base")
    assert faqmatch("train", "siamese", *arguments).mistake == (
        f"{tmp_path / 'base'}: is no checkpoint folder (No such file or directory)"
    )


def test_a_shipped_recipe_is_taken_by_its_name(run):
    with pytest.raises(TrainingError, match=r"nothing: holds none of faq\.jsonl, pairs\.tsv"):
        run(recipe="own-faq", data=Path("nothing"))
    with pytest.raises(TrainingError, match="recipe none: neither a shipped recipe"):
        run(recipe="none")


def test_without_the_packages_that_train_it_is_one_line_with_the_fix(faqmatch, tmp_path):
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if package.name not in {"sentence_transformers", "datasets", "accelerate"}:
            (tmp_path / "packages").mkdir(exist_ok=True)
            (tmp_path / "packages" / package.name).symlink_to(package)
    arguments = ("--recipe", "own-faq", "--data", tmp_path, "--out", tmp_path / "out")
    assert faqmatch("train", "siamese", *arguments, packages=tmp_path / "packages").mistake == (
        "sentence_transformers, datasets, accelerate not installed: pip install torch==2.13.0 'faqmatch[train]'"
    )
