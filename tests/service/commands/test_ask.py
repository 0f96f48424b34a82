import json
import shutil

import pytest

from models.reranker import OnnxReranker
from models.reranker_directory import open_reranker_directory
from service.matching import Thresholds


def test_every_stage_is_explained(faqmatch, home, encoder, confidence):
    ran = faqmatch("ask", "i forgot my pass word", "--kb", "demo", "--home", home.path)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    decision, _, rest = lines[0].partition("  ")
    assert decision in {"answer", "clarify", "reject"}
    assert rest.startswith("(confidence 0.")
    stages = {cells[1].strip(): cells[2].strip() for line in lines if len(cells := line.split("│")) == 5}
    assert stages.keys() >= {"normalise", "exact key", "encode", "retrieve", "confidence", "decide", "total"}
    assert stages["normalise"] == "text 'i forgot my pass word', key 'i forgot my pass word'"
    assert stages["exact key"] == "not found"
    assert stages["encode"] == encoder.spec.label
    assert "runner-up parcel, margin 0." in stages["retrieve"]
    assert stages["confidence"].endswith(f" by {confidence.label}")
    assert stages["decide"].endswith(f"(thresholds: answer {Thresholds().answer}, clarify {Thresholds().clarify})")
    [best] = [line for line in lines if "I forgot my password" in line]
    assert [cell.strip() for cell in best.split("│")[1:4]] == ["reset", "I forgot my password", "dense"]


def test_an_equal_question_is_answered_without_encoding(faqmatch, home):
    lines = faqmatch("ask", "HOW do i reset my password", "--kb", "demo", "--home", home.path).out.splitlines()
    assert lines[:2] == ["answer  (confidence 1.000)", "the second answer"]
    assert any("decide" in line and "answer: the key of a phrasing is equal" in line for line in lines)


def test_the_way_to_an_answer_is_told_in_chinese(faqmatch, home):
    ran = faqmatch("ask", "i forgot my pass word", "--kb", "demo", "--home", home.path, FAQMATCH_LANG="zh")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0].endswith("）")
    assert "（置信度 0." in lines[0]
    stages = {cells[1].strip(): cells[2].strip() for line in lines if len(cells := line.split("│")) == 5}
    assert stages.keys() >= {"规范化", "完全一致的键", "编码", "召回", "置信度", "判定", "总计"}
    assert stages["判定"].endswith("（阈值：回答 0.8，澄清 0.4）")
    exact = faqmatch("ask", "how do i reset my password", "--kb", "demo", "--home", home.path, FAQMATCH_LANG="zh").out
    assert exact.splitlines()[:2] == ["直接回答（置信度 1.000）", "the second answer"]


def test_the_answer_is_printed_to_the_letter(faqmatch, home, publish):
    tricky = "[bold]Open[/bold] :warning:\n\tsettings, 100% {sure}"
    publish(home, tricky)
    ran = faqmatch("ask", "How do I reset my password?", "--kb", "demo", "--home", home.path)
    assert f"\n{tricky}\n" in ran.out


def test_json_holds_the_whole_result(faqmatch, home):
    ran = faqmatch("ask", "怎麼開發票", "--kb", "demo", "--home", home.path, "--json")
    result = json.loads(ran.out)
    assert (result["decision"], result["answer"], result["confidence"]) == ("answer", "在订单页面申请。", 1.0)
    [match] = result["matches"]
    assert (match["entry"]["id"], match["match_type"], match["similarity"]) == ("invoice", "exact", None)
    assert result["thresholds"] == {"answer": 0.8, "clarify": 0.4}
    assert result["explain"]["text"] == "怎么开发票"


def test_top_and_tags_narrow_the_candidates(faqmatch, home):
    def ids(*options: str) -> list[str]:
        ran = faqmatch("ask", "forgot my pass word", "--kb", "demo", "--home", home.path, "--json", *options)
        return [match["entry"]["id"] for match in json.loads(ran.out)["matches"]]

    assert ids("--top", "1") == ["reset"]
    assert sorted(ids("--tag", "money", "--tag", "delivery")) == ["invoice", "parcel"]


def test_a_damaged_current_version_is_told_while_the_one_before_answers(faqmatch, home, damage):
    newest = sorted(home.knowledge_base("demo").versions.iterdir())[-1]
    damage(newest / "dense.faiss")
    ran = faqmatch("ask", "How do I reset my password?", "--kb", "demo", "--home", home.path)
    assert ran.code == 0
    assert "the first answer" in ran.out
    assert ran.err == (
        f"warning: kbs/demo/versions/{newest.name}/dense.faiss: was changed or damaged (its SHA-256 differs): "
        "roll back, or index again\n"
    )


def test_where_no_version_is_whole_one_line_says_why(faqmatch, home, damage):
    for file in home.knowledge_base("demo").versions.glob("*/dense.faiss"):
        damage(file)
    mistake = faqmatch("ask", "x", "--kb", "demo", "--home", home.path).mistake
    assert mistake.startswith("knowledge base demo has no version that can be served: ")
    assert "dense.faiss: was changed or damaged" in mistake


def test_an_unknown_knowledge_base_is_one_line_that_lists_those_there_are(faqmatch, home):
    mistake = faqmatch("ask", "x", "--kb", "shop", "--home", home.path).mistake
    assert mistake == f"knowledge base shop: not found in {home.path} (there: demo): make it with faqmatch index"


@pytest.mark.parametrize(("question", "told"), [("  ", "it is blank"), (b"pass\xffword", "it is no UTF-8")])
def test_a_question_that_is_none_is_a_mistake_of_the_command(faqmatch, home, question, told):
    ran = faqmatch("ask", question, "--kb", "demo", "--home", home.path)
    assert ran.code == 2
    assert f"Invalid value for 'question': {told}" in ran.err
    assert "Traceback" not in ran.err


def cells(out: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]


def test_with_rerank_on_the_reranker_is_shown_and_orders_the_candidates(faqmatch, home, random_reranker):
    ask = ("ask", "i forgot my pass word", "--kb", "demo", "--home", home.path)
    plain, ran = faqmatch(*ask), faqmatch(*ask, "--rerank", "on", "--reranker", random_reranker)
    assert (ran.code, ran.err) == (0, "")
    assert "relevance" not in plain.out
    assert "rerank" not in plain.out
    stages = {row[0]: row for row in cells(ran.out) if len(row) == 3}
    assert stages["rerank"][1] == "3 candidates read, the best of them first"
    assert float(stages["rerank"][2]) > 0
    spec = open_reranker_directory(random_reranker).spec
    assert stages["confidence"][1].endswith(f" by relevance@{spec.digest[:12]}")
    assert [
        cell.strip() for cell in next(line for line in ran.out.splitlines() if "similarity" in line).split("┃")[4:-1]
    ] == ["similarity", "relevance", "confidence"]
    candidates = [row for row in cells(ran.out) if len(row) == 6]
    relevances = [row[4] for row in candidates]
    assert relevances == sorted(relevances, reverse=True)
    assert relevances == [row[5] for row in candidates]
    judged = OnnxReranker.open(random_reranker).relevance(
        "i forgot my pass word", [candidates[0][1].replace("？", "?")]
    )
    assert relevances[0] == f"{judged[0]:.4f}"


def test_to_rerank_without_a_reranker_is_one_line_with_the_fix(faqmatch, home):
    ask = ("ask", "i forgot my pass word", "--kb", "demo", "--home", home.path, "--rerank", "on", "--reranker")
    assert faqmatch(*ask, "none").mistake == (
        "the setting reranker is none: ask with rerank auto or off, or name a reranker with the setting reranker "
        "(FAQMATCH_RERANKER, --reranker)"
    )
    assert faqmatch(*ask, "no-such").mistake.startswith(
        "setting reranker (FAQMATCH_RERANKER, or reranker in faqmatch.toml): reranker no-such: neither a shipped one ("
    )
    assert faqmatch(*ask, "none", FAQMATCH_LANG="zh").err.startswith("faqmatch: 设置 reranker 为 none：")


def test_a_damaged_reranker_is_told_and_the_question_answered_without(
    faqmatch, home, random_reranker, tmp_path, damage
):
    damaged = shutil.copytree(random_reranker, tmp_path / "damaged")
    damage(damaged / "model.onnx")
    asked = ("--kb", "demo", "--home", home.path, "--rerank", "on", "--reranker", damaged)
    ran = faqmatch("ask", "i forgot my pass word", *asked)
    assert ran.code == 0
    assert ran.err.startswith("warning: reranker: damaged/model.onnx: was changed or damaged")
    assert ran.err.count("\n") == 1
    stages = {row[0]: row[1] for row in cells(ran.out) if len(row) == 3}
    assert stages["rerank"] == "left out"
    assert stages["notice"].endswith("the order is that of similarity")
