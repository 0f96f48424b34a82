import json

import pytest

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
