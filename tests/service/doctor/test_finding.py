from models.message import Message
from service.doctor.finding import Finding, problem_and_fix

FIX = Message("look there")


def test_a_finding_is_one_line_of_what_finding_and_fix():
    assert str(Finding.ok("disk", "much")) == "disk: much"
    assert str(Finding.fail("disk", "full", "free some space")) == "disk: full: free some space"


def test_a_finding_stays_on_one_line_whatever_it_is_about():
    assert str(Finding.warn("a", "b\nc", "d")) == "a: b c: d"


def test_a_finding_is_told_in_another_language_with_all_its_parts():
    german = {"{what}: {finding}: {fix}": "{fix}! {what} {finding}", "disk": "Platte", "full": "voll"}
    found = Finding.fail(Message("disk"), Message("full"), FIX)
    assert found.message.translated(lambda text: german.get(text, text)) == "look there! Platte voll"


def test_an_error_made_of_a_problem_and_a_fix_is_told_in_these_two_parts():
    problem, fix = Message("a: b"), Message("c: d")
    assert problem_and_fix(Message("{problem}: {fix}", problem=problem, fix=fix), FIX) == (problem, fix)


def test_an_error_that_names_no_fix_gets_the_other_one():
    said = Message("{problem}: c", problem=Message("a: b"))
    assert problem_and_fix(said, FIX) == (said, FIX)


def test_each_way_to_make_one_gives_its_status():
    made = (Finding.ok("a", "b"), Finding.warn("a", "b", "c"), Finding.fail("a", "b", "c"))
    assert [finding.status for finding in made] == ["ok", "warn", "fail"]
