import json
import shutil
import socket
from pathlib import Path

import pytest

from indexer.version_list import version_names
from service.commands.doctor import guarded, worst
from service.doctor.finding import Finding


@pytest.fixture
def doctor(faqmatch):
    """Run `faqmatch doctor` on a free port, and give what it found by what it looked at."""

    def run(home, *arguments, code, **environment):
        ran = faqmatch("doctor", "--home", home.path, "--port", "0", "--json", *arguments, **environment)
        assert (ran.code, ran.err) == (code, "")
        document = json.loads(ran.out)
        assert (document["status"] == "fail") == bool(code)
        found = {finding["what"]: (finding["status"], finding["finding"]) for finding in document["findings"]}
        assert len(found) == len(document["findings"])
        return found

    return run


@pytest.fixture
def kb_file(home):
    """Give a file of the current version."""
    kb = home.knowledge_base("demo")
    return lambda name: kb.versions / version_names(kb)[1] / name


def test_the_lines_are_aligned_and_counted_and_a_whole_home_passes(faqmatch, home, encoder):
    before = sorted(home.path.rglob("*"))
    ran = faqmatch("doctor", "--home", home.path, "--port", "0")
    *lines, count = ran.out.splitlines()
    assert (ran.code, ran.err) == (0, "")
    assert all(line.startswith(("ok    ", "warn  ")) for line in lines)
    warnings = sum(line.startswith("warn") for line in lines)
    assert count == f"{len(lines) - warnings} ok, {warnings} to look at, 0 failed"
    assert f"ok    model {encoder.spec.label}: whole" in lines
    assert "ok    leftovers: none" in lines
    assert sorted(home.path.rglob("*")) == before


def test_every_line_is_told_in_chinese_with_what_is_wrong_and_the_fix(faqmatch, home, kb_file, damage):
    damage(kb_file("vectors.npy"))
    (home.path / "models/.staging-1").mkdir()
    ran = faqmatch("doctor", "--home", home.path, "--port", "0", FAQMATCH_LANG="zh")
    *lines, count = ran.out.splitlines()
    assert (ran.code, ran.err) == (1, "")
    assert all(line.startswith(("正常  ", "注意  ", "失败  ")) for line in lines)
    assert count.endswith("失败 1 项")
    [failure] = [line for line in lines if line.startswith("失败")]
    assert failure.endswith(
        f"（当前版本）：{kb_file('vectors.npy')}：被改动或已损坏（SHA-256 不符）：请回滚，或重新索引"
    )
    assert "注意  残留文件：models/.staging-1，由被强行终止的任务留下：下次建立索引时会自动清除" in lines
    assert f"正常  数据目录：{home.path} 可写入" in lines


def test_json_is_the_same_in_every_language(faqmatch, home):
    def found(language):
        ran = faqmatch("doctor", "--home", home.path, "--port", "0", "--json", FAQMATCH_LANG=language)
        return {one["what"]: one["fix"] for one in json.loads(ran.out)["findings"]}

    assert found("zh") == found("en")
    assert found("zh")["leftovers"] == ""


def test_everything_is_looked_at(doctor, home, encoder):
    older, newer = version_names(home.knowledge_base("demo"))
    assert list(doctor(home, code=0)) == [
        *("settings", "variables", "api keys", "port", "python", "cores", "processor", "output", "sqlite"),
        *("shipped model question-encoder-en", f"shipped model {encoder.spec.name}"),
        *("reranker", "data folder", "disk", "memory", "clock", f"model {encoder.spec.label}"),
        *("demo kb.json", f"demo {older}", f"demo {newer} (current)", "leftovers"),
    ]


def test_the_page_for_operators_has_a_row_for_each_check(doctor, home):
    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    rows = ("shipped model", "model", "knowledge base, `kb.json`", "knowledge base, version")
    named = [what for what in doctor(home, code=0) if not what.startswith(("shipped model ", "model ", "demo "))]
    assert [what for what in (*named, *rows) if f"\n| {what} |" not in page] == []


def test_each_failure_makes_the_exit_code_1(doctor, home, damage):
    kb = home.knowledge_base("demo")
    damage(kb.versions / version_names(kb)[1] / "entries.jsonl")
    found = doctor(home, code=1)
    assert [what for what, (status, _) in found.items() if status == "fail"] == [
        f"demo {version_names(kb)[1]} (current)"
    ]


def test_warnings_alone_leave_it_0(doctor, home):
    (home.path / "models/.staging-1").mkdir()
    found = doctor(home, "--host", "localhost", code=0, FAQMATCH_THREDS="3", PYTHONIOENCODING="latin-1")
    for what in ("leftovers", "variables", "output"):
        assert found[what][0] == "warn", what


def test_an_address_without_keys_and_a_taken_port_fail(doctor, home):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = str(listener.getsockname()[1])
        found = doctor(home, "--port", taken, code=1)
        assert found["port"] == ("fail", f"cannot listen on 127.0.0.1:{taken}: the port is taken")
    assert doctor(home, code=1, FAQMATCH_HOST="0.0.0.0")["api keys"][0] == "fail"


def test_settings_that_cannot_be_read_fail_and_the_named_home_is_looked_at_all_the_same(doctor, home, tmp_path):
    (tmp_path / "faqmatch.toml").write_text("port = \n")
    found = doctor(home, code=1)
    assert found["settings"][0] == "fail"
    assert found["data folder"] == ("ok", f"{home.path} can be written")
    assert "port" not in found


def test_a_home_that_nobody_can_know_is_not_looked_at(faqmatch, home, tmp_path):
    (tmp_path / "faqmatch.toml").write_text("port = \n")
    assert "warn  data folder: not looked at: correct the settings" in faqmatch("doctor").out
    assert f"ok    data folder: {home.path} can" in faqmatch("doctor", FAQMATCH_HOME=str(home.path)).out


def test_a_machine_where_nothing_was_indexed_yet_passes(doctor, home):
    shutil.rmtree(home.path)
    found = doctor(home, code=0)
    assert found["data folder"] == ("ok", f"{home.path} is not there yet: the first run makes it")
    assert not home.path.exists()


def test_what_the_system_refuses_to_show_is_a_failure_and_ends_nothing():
    def check():
        yield Finding.ok("first", "well")
        raise PermissionError(13, "Permission denied", "/srv/kbs")

    first, second = guarded("shop", check)
    assert (first.status, second.status) == ("ok", "fail")
    assert str(second).startswith("shop: /srv/kbs: Permission denied: give this user the right to read it")


def test_the_gravest_status_counts():
    ok, warn, fail = Finding.ok("a", "b"), Finding.warn("a", "b", "c"), Finding.fail("a", "b", "c")
    assert [worst(found) for found in ([], [ok], [ok, warn], [warn, fail, ok])] == ["ok", "ok", "warn", "fail"]
