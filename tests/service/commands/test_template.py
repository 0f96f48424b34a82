import pytest


@pytest.mark.parametrize("name", ["faq.xlsx", "faq.csv"])
@pytest.mark.parametrize(("language", "question"), [("en", "How do I reset my password?"), ("zh", "如何重置密码？")])
def test_a_template_is_written_and_indexed_without_a_notice(faqmatch, tmp_path, name, language, question):
    ran = faqmatch("template", name, "--language", language)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"{name}: fill it in, then look at it with: faqmatch index {name} --kb NAME --check\n"
    ran = faqmatch("index", name, "--kb", "shop", "--home", tmp_path / "home")
    assert ran.code == 0, ran
    assert "1 entries, 0 notices" in ran.out
    assert question in faqmatch("ask", question, "--kb", "shop", "--home", tmp_path / "home").out


@pytest.mark.parametrize(
    ("environment", "options", "question"),
    [
        ({}, (), "How do I reset my password?"),
        ({"FAQMATCH_LANG": "zh"}, (), "如何重置密码？"),
        ({"LANG": "zh_CN.UTF-8"}, (), "如何重置密码？"),
        ({"FAQMATCH_LANG": "zh"}, ("--language", "en"), "How do I reset my password?"),
    ],
)
def test_a_template_is_in_the_language_of_the_command_line_unless_another_is_asked_for(
    faqmatch, tmp_path, environment, options, question
):
    assert faqmatch("template", "faq.csv", *options, **environment).code == 0
    assert question in (tmp_path / "faq.csv").read_text()


def test_a_template_is_never_written_over_a_file(faqmatch, tmp_path):
    (tmp_path / "faq.xlsx").write_text("mine")
    told = "faq.xlsx: is there already: choose another name, or move it away"
    assert faqmatch("template", "faq.xlsx").mistake == told
    assert (tmp_path / "faq.xlsx").read_text() == "mine"


@pytest.mark.parametrize("name", ["faq.xls", "nowhere/faq.csv"])
def test_a_template_that_cannot_be_written_is_one_line(faqmatch, name):
    assert name in faqmatch("template", name).mistake
