from service.doctor.finding import Finding


def test_a_finding_is_one_line_of_what_finding_and_fix():
    assert str(Finding.ok("disk", "much")) == "disk: much"
    assert str(Finding.fail("disk", "full", "free some space")) == "disk: full: free some space"


def test_a_finding_stays_on_one_line_whatever_it_is_about():
    assert str(Finding.warn("a", "b\nc", "d")) == "a: b c: d"


def test_each_way_to_make_one_gives_its_status():
    made = (Finding.ok("a", "b"), Finding.warn("a", "b", "c"), Finding.fail("a", "b", "c"))
    assert [finding.status for finding in made] == ["ok", "warn", "fail"]
