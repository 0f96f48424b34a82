"""SIGKILL at every step of every durable write, and again in the run that recovers: what is served is old or new."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from indexer.current import read_current
from indexer.durable import STAGING_PREFIX
from indexer.home import Home
from indexer.publishing import KEPT_VERSIONS
from indexer.version_list import version_names

KB = "demo"
VERSION_FILES = {"manifest.json", "entries.jsonl", "phrasings.jsonl", "vectors.npy", "dense.faiss"}
MODEL_FILES = {"spec.json", "model.onnx", "tokenizer.json", "confidence.json", "card.md"}
RANDOM_MOMENTS = 1_000


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A task that is killed, the home it starts from, and which FAQ is served before and after it."""

    task: str
    home: Path
    old: int | None
    new: int
    versions: int
    """How many there are when it is done."""


@pytest.fixture(scope="session")
def scenes(tmp_path_factory, pristine, models, publish) -> dict[str, Scene]:
    folder = tmp_path_factory.mktemp("scenes")
    three = Home(folder / "three")
    for number in (1, 2, 3):
        publish(three, models[0], number)
    damaged = Home(folder / "damaged")
    for number, model in ((2, models[0]), (3, models[1])):
        publish(damaged, model, number)
    [network] = damaged.path.glob("models/new@*/model.onnx")
    network.write_bytes(network.read_bytes()[:-1])
    return {
        "first index": Scene(task="index", home=folder / "nowhere", old=None, new=4, versions=1),
        "index with another model": Scene(task="index", home=three.path, old=3, new=4, versions=3),
        "publish": Scene(task="publish", home=pristine.path, old=3, new=4, versions=3),
        "rollback": Scene(task="rollback", home=pristine.path, old=3, new=1, versions=3),
        "model copy": Scene(task="copy", home=damaged.path, old=3, new=3, versions=2),
    }


NAMES = ("first index", "index with another model", "publish", "rollback", "model copy")


@pytest.fixture
def scene(request, scenes) -> Scene:
    return scenes[request.param]


@pytest.fixture
def check(look, served_whole) -> Callable[[Scene, Home], None]:
    """After a kill: CURRENT names a whole version, the old or the new; a service that starts now serves one of them."""

    def check(scene: Scene, home: Home) -> None:
        assert served_whole(home) in (scene.old, scene.new)
        seen = look(home)
        if scene.task == "copy" and seen.problem:  # the copy was damaged before: then the version before it serves
            assert (seen.number, seen.ready) == (2, True)
            assert "new@" in seen.problem
        else:
            assert (seen.number, seen.problem, seen.ready) == (served_whole(home), None, True)

    return check


@pytest.fixture
def check_done(look, served_whole) -> Callable[[Scene, Home], None]:
    """After a run that ended by itself: the new version is served, and nothing lies about that should not."""

    def check_done(scene: Scene, home: Home) -> None:
        assert served_whole(home) == scene.new
        seen = look(home)
        assert (seen.number, seen.problem, seen.ready) == (scene.new, None, True)
        kb = home.knowledge_base(KB)
        assert len(version_names(kb)) == scene.versions <= KEPT_VERSIONS
        allowed = {"kb.json", "CURRENT", "publish.lock", "settings.lock", "versions"}
        assert {path.name for path in kb.path.iterdir()} == allowed
        assert {path.name for path in kb.versions.iterdir()} == set(version_names(kb))
        assert all(
            {path.name for path in (kb.versions / name).iterdir()} == VERSION_FILES for name in version_names(kb)
        )
        assert {path.name for path in home.path.iterdir()} == {"cache", "kbs", "models", "models.lock"}
        assert {path.suffix for path in (home.path / "cache").iterdir()} == {".sqlite"}
        for model in (home.path / "models").iterdir():
            assert "@" in model.name
            assert {path.name for path in model.iterdir()} == MODEL_FILES

    return check_done


def steps(trace: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [line[1:] for line in trace if line[0] == "step"]


def calls(trace: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [line[1:] for line in trace if line[0] == "call"]


def points(trace: list[tuple[str, ...]]) -> Iterator[tuple[int, bool]]:
    """Give where to kill: before each step, and half-way through each write and removal."""
    before = None
    for number, (step, path) in enumerate(steps(trace)):
        yield number, False
        if step == "remove" or (step, before) == ("fsync", ("write", path)):
            yield number, True
        before = (step, path)


@pytest.mark.parametrize("scene", NAMES, indirect=True)
def test_a_kill_at_any_step_leaves_the_old_or_the_new_version_and_the_next_run_repairs_all(
    scene, children, copy_home, check, check_done
):
    home = copy_home(scene.home)
    whole = children.run(scene.task, home)
    assert (whole["killed"], whole["error"]) == (False, "")
    check_done(scene, home)
    second_kills = set()
    stops = list(points(whole["trace"]))
    for number, (stop, half) in enumerate(stops):
        home = copy_home(scene.home)
        first = children.run(scene.task, home, stop=stop, half=half)
        assert first["killed"]
        check(scene, home)
        again, half_again = stops[number * 11 % len(stops)]
        second = children.run(scene.task, home, stop=again, half=half_again)
        assert second["error"] == ""
        check(scene, home)
        if second["killed"]:
            second_kills.add((again, half_again))
        last = children.run(scene.task, home)
        assert (last["killed"], last["error"]) == (False, "")
        check_done(scene, home)
        assert undurable(calls(first["trace"] + second["trace"] + last["trace"])) == set()
    print(f"\n{scene.task}: {len(stops)} kill points, {len(second_kills)} of them in the recovery as well")
    assert len(stops) > 5
    assert len(second_kills) > len(stops) / 2


@pytest.mark.parametrize("scene", NAMES, indirect=True)
def test_every_write_passes_the_one_module_and_its_steps_are_what_the_system_is_asked_for(scene, children, copy_home):
    home = copy_home(scene.home)
    trace = children.run(scene.task, home)["trace"]
    step: tuple[str, ...] | None = None
    unmet: set[tuple[str, ...]] = set()
    for kind, *line in trace:
        name, *paths = line
        if kind == "step":
            assert not unmet, "a step that nothing came of"
            step, unmet = (name, paths[0]), {(name, paths[0])}
        elif name == "unnamed" or paths[0].endswith(".lock"):
            continue  # neither leaves anything that matters
        else:
            assert step is not None, line
            asked = {"open": "write", "rename": "rename", "mkdir": "mkdir", "fsync": "fsync", "remove": "remove"}[name]
            assert step[0] == asked, line
            assert paths[-1] == step[1] or (asked == "remove" and paths[0].startswith(f"{step[1]}/")), line
            unmet = set()


@pytest.mark.parametrize("scene", NAMES, indirect=True)
def test_the_order_is_write_fsync_rename_fsync_of_the_folder(scene, children, copy_home):
    home = copy_home(scene.home)
    asked = calls(children.run(scene.task, home)["trace"])
    renamed = []
    for number, (name, *paths) in enumerate(asked):
        if name != "rename":
            continue
        source, target = map(Path, paths)
        renamed.append(target.name)
        assert asked[number + 1] == ("fsync", str(target.parent)), "a name is not yet durable when the run goes on"
        if target.name.startswith(f"{STAGING_PREFIX}removed-"):
            continue
        before = asked[:number]
        written = {path for name, path, *_ in before if name == "open" and Path(path).is_relative_to(source)}
        for path in written:
            last = max(index for index, call in enumerate(before) if call == ("open", path))
            assert ("fsync", path) in before[last:], f"{path} is not yet durable when it gets its name"
        if len(written) > 1:
            assert {Path(path).name for path in written} in (VERSION_FILES, MODEL_FILES)
            assert before[-1] == ("fsync", str(source)), "the names in the folder are not yet durable"
    if scene.task in ("index", "publish"):
        version = read_current(home.knowledge_base(KB)).version
        assert renamed.index("PUBLISHING") < renamed.index(version) < renamed.index("CURRENT")
    assert undurable(asked) == set()


def undurable(asked: list[tuple[str, ...]]) -> set[str]:
    """Give what a power cut now could undo: names and contents that are on no disk yet, but what is swept anyway."""
    names: dict[str, set[str]] = {}
    contents: set[str] = set()
    for name, *paths in asked:
        path = paths[-1]
        folder = str(Path(path).parent)
        if name == "fsync":
            names.pop(path, None)
            contents.discard(path)
        elif name != "unnamed":
            names.setdefault(folder, set()).add(path)
            if name == "open":
                contents.add(path)
        if name == "rename":
            contents = {content.replace(paths[0], path, 1) for content in contents}
            names = {inner.replace(paths[0], path, 1): lying for inner, lying in names.items()}
            names.setdefault(folder, set()).add(path)
    pending = contents.union(*names.values())
    return {path for path in pending if STAGING_PREFIX not in path and not path.endswith(".lock")}


def test_the_check_for_what_a_power_cut_undoes_sees_each_missing_fsync():
    whole = [
        ("open", "/h/.staging-1"),
        ("fsync", "/h/.staging-1"),
        ("rename", "/h/.staging-1", "/h/CURRENT"),
        ("fsync", "/h"),
    ]
    assert undurable(whole) == set()
    assert undurable([whole[0], *whole[2:]]) == {"/h/CURRENT"}
    assert undurable(whole[:-1]) == {"/h/CURRENT"}
    assert undurable([("mkdir", "/h/a"), ("mkdir", "/h/a/b"), ("fsync", "/h/a")]) == {"/h/a"}


@pytest.mark.long
def test_a_kill_at_any_moment_leaves_the_old_or_the_new_version(scenes, children, copy_home, check, check_done):
    chance = random.Random(20261124)
    killed = runs = 0
    durations = dict.fromkeys(NAMES, 0.1)
    while killed < RANDOM_MOMENTS:
        name = NAMES[runs // 2 % len(NAMES)]
        scene = scenes[name]
        home = copy_home(scene.home)
        for _ in range(2):  # the second hits the recovery
            ended = children.run(scene.task, home, seconds=chance.uniform(0, durations[name]))
            assert ended["error"] == ""
            killed += ended["killed"]
            runs += 1
            check(scene, home)
        began = time.monotonic()
        last = children.run(scene.task, home)
        durations[name] = 0.8 * durations[name] + 0.2 * (time.monotonic() - began)
        assert (last["killed"], last["error"]) == (False, "")
        check_done(scene, home)
    print(f"\n{killed} of {runs} runs were killed before their end")
