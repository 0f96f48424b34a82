"""A disk that is full: one line, nothing published, the old version serves on, and space is all it takes to go on."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from indexer.current import read_current
from indexer.home import Home
from indexer.version_list import version_names

KB = "demo"
REPOSITORY = Path(__file__).parents[2]
PAGE = 4096
DISK_PAGES = 256


class Disk:
    """A small disk of its own. Where this user may mount none, full means that no file may grow."""

    def __init__(self, folder: Path, mounted: bool) -> None:
        self.folder = folder
        self.mounted = mounted

    def leave_free(self, pages: int) -> dict[str, int]:
        """Fill the disk but for some pages; give the option that a child needs for the same effect."""
        if not self.mounted:
            return {"largest_file": pages * 512}
        free = shutil.disk_usage(self.folder).free // PAGE
        (self.folder / "filler").write_bytes(bytes(max(0, free - pages) * PAGE))
        return {}

    def free(self) -> None:
        (self.folder / "filler").unlink(missing_ok=True)


@pytest.fixture
def disk(tmp_path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_PAGES * PAGE}", "none", str(folder)]
    mounted = shutil.which("mount") is not None and subprocess.run(mount, capture_output=True).returncode == 0
    try:
        yield Disk(folder, mounted)
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def put_home(disk) -> Callable[[Path], Home]:
    """Copy a home to the small disk, which then holds nothing else."""

    def put(source: Path) -> Home:
        disk.free()
        target = disk.folder / "home"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
        return Home(target)

    return put


@pytest.fixture(scope="module")
def three(tmp_path_factory, models, publish) -> Home:
    """Three versions of the old model: an index with the new one has a model to copy."""
    home = Home(tmp_path_factory.mktemp("three") / "home")
    for number in (1, 2, 3):
        publish(home, models[0], number)
    return home


@pytest.mark.parametrize(("task", "old", "new"), [("index", 3, 4), ("rollback", 3, 1), ("copy", 3, 3)])
def test_however_little_space_there_is_the_old_version_serves_on_until_there_is_enough(
    three, disk, put_home, children, look, served_whole, task, old, new
):
    told = set()
    for pages in range(DISK_PAGES):
        home = put_home(three.path)
        limit = disk.leave_free(pages)
        ended = children.run(task, home, **limit)
        if ended["error"]:
            kind, _, line = ended["error"].partition(": ")
            assert (kind, line.count("\n")) == ("HomeError", 0), ended
            assert "free some space" in line or not disk.mounted
            told.add(Path(line.partition(": ")[0]).name)
        done = not ended["error"]
        assert served_whole(home) == (new if done else old)
        assert look(home).number == (new if done else old)
        disk.free()
        assert children.run(task, home)["error"] == ""
        assert (served_whole(home), look(home).problem) == (new, None)
        assert not [path for path in home.path.rglob("*") if path.name.startswith((".staging", "PUBLISHING"))]
        if done:
            break
    print(f"\n{task}: enough with {pages} pages, before that refused at {', '.join(sorted(told))}")
    assert done
    assert told


@pytest.fixture
def faqmatch_index(tmp_path, models) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `faqmatch index` as a process of its own; `before` goes before the command."""
    faq = tmp_path / "faq.csv"
    faq.write_text("question,answer\n" + "".join(f"How do I reset {n}?,{n}\n" for n in range(1_000)))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FAQMATCH_")}

    def index(home: Home, *before: str) -> subprocess.CompletedProcess[str]:
        options = ["--kb", KB, "--home", str(home.path), "--model", str(models[1])]
        return subprocess.run(
            [*before, sys.executable, "-m", "service.cli", "index", str(faq), *options],
            cwd=tmp_path,
            env=inherited | {"PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
        )

    return index


def test_a_full_disk_is_one_line_of_the_command(three, disk, put_home, look, faqmatch_index):
    home = put_home(three.path)
    current = home.knowledge_base(KB).current_file
    before = current.read_bytes()
    limit = disk.leave_free(30)
    full = faqmatch_index(home, *(part for size in limit.values() for part in ("prlimit", f"--fsize={size}")))
    assert full.returncode == 1
    [line] = [line for line in full.stderr.splitlines() if line.startswith("faqmatch: ")]
    assert line == full.stderr.splitlines()[-1]
    assert "free some space" in line or not disk.mounted
    assert "Traceback" not in full.stderr
    assert current.read_bytes() == before
    assert (look(home).number, look(home).problem) == (3, None)
    disk.free()
    assert faqmatch_index(home).returncode == 0
    assert current.read_bytes() != before


def test_an_old_version_that_may_not_be_removed_is_a_notice_and_the_new_one_is_published(
    three, copy_home, faqmatch_index
):
    home = copy_home(three.path)
    kb = home.knowledge_base(KB)
    oldest = kb.versions / version_names(kb)[0]
    oldest.chmod(0o555)
    ordinary = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--") if os.geteuid() == 0 else ()
    ran = faqmatch_index(home, *ordinary)
    assert ran.returncode == 0
    version = read_current(kb).version
    assert f"published version {version} with" in ran.stdout
    notice = ran.stderr.splitlines()[-1]
    assert notice.startswith(f"notice: what is no longer needed could not be removed: {oldest}: ")
    assert "permission denied" in notice
    [leftover] = [path for path in kb.versions.iterdir() if path.name.startswith(".staging-")]
    leftover.chmod(0o755)
    again = faqmatch_index(home)
    assert (again.returncode, "notice: " in again.stderr) == (0, False)
    assert {path.name for path in kb.versions.iterdir()} == set(version_names(kb))
