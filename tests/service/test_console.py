import os
import re
import socket
import subprocess
import threading
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx
import pytest

ANSWER = "<script>alert('hi')</script> 打开设置"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
VOID = {"meta", "link", "input"}

HOSTILE = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }} {% raw %} &lt;b&gt; &amp;",
    """it's "quoted" `id` $(id) $HOME \\ \\n !! %s # ; && | * ~ '"'"'""",
    "两行\n第二行\t制表\r\n，忘记密码了怎么办？😀",
    "  -leading dash, @file and trailing spaces  ",
    "turned\u202earound\u2028 and \x7f\x1b[31m",
]


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    text: str = ""


@dataclass
class Html(HTMLParser):
    """A page as its elements, each with the text inside it."""

    page: str
    elements: list[Element] = field(default_factory=list)
    _open: list[Element] = field(default_factory=list)

    def __post_init__(self):
        super().__init__()
        self.feed(self.page)
        assert not self._open, "an element is not closed"

    def handle_starttag(self, tag, attrs):
        self.elements.append(Element(tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(self.elements[-1])

    def handle_startendtag(self, tag, attrs):
        self.elements.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop().tag == tag

    def handle_data(self, data):
        for element in self._open:
            element.text += data

    def all(self, tag):
        return [element for element in self.elements if element.tag == tag]

    def by_id(self, name):
        [element] = [element for element in self.elements if element.attributes.get("id") == name]
        return element

    def has(self, name):
        return any(element.attributes.get("id") == name for element in self.elements)


def ask(service, question="i forgot my pass word", kb="demo", language="en", **fields):
    return service.post(f"/?lang={language}", data={"question": question, "kb": kb, **fields})


def error_of(response) -> str:
    return Html(response.text).by_id("error").text


def run_curl(line: str, **environment: str) -> dict:
    """Run the line as a user would, in a shell."""
    done = subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        text=True,
        timeout=20,
        env={"PATH": os.environ["PATH"], "NO_PROXY": "*", **environment},
    )
    assert done.returncode == 0, done.stderr
    return httpx.Response(200, text=done.stdout).json()


def test_the_empty_page_lists_what_is_served(open_service):
    response = open_service.get("/")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    page = Html(response.text)
    assert [option.text for option in page.all("option")] == ["demo", "loading", "other"]
    rows = [re.sub(r"\s+", " ", row.text).strip() for row in page.all("tr")[1:]]
    assert rows == [
        "demo 20261124T101502-3f2a 1 2 none",
        "loading none 1 2 it is being loaded",
        "other 20261124T101502-3f2a 1 2 none",
    ]
    assert not page.has("answer")


def test_a_question_is_answered_with_all_there_is_to_know(open_service):
    response = ask(open_service)
    assert response.status_code == 200
    page = Html(response.text)
    assert page.by_id("decision").text == "Answer"
    assert page.by_id("means").text == (
        "This entry means the same: confidence 0.9876 reaches the answer threshold of 0.8."
    )
    assert page.by_id("answer").text == ANSWER
    cells = {cell.attributes["data-label"]: cell.text.strip() for cell in page.all("td")}
    assert cells == {
        "Matched phrasing": "i forgot my pass word",
        "Match type": "dense",
        "Similarity": "0.1234",
        "Affinity": "–",
        "Relevance": "–",
        "Confidence": "0.9876",
        "Tags": "none",
    }
    assert [time.text for time in page.all("dd")[:6]] == ["–", "3.00 ms", "–", "–", "–", "4.00 ms"]
    assert page.by_id("version").text == "20261124T101502-3f2a"
    assert page.by_id("model").text == "fake@0123456789ab"
    assert page.by_id("calibration").text == "default@1f0c"
    assert page.by_id("request-id").text == response.headers["x-request-id"]


def test_what_was_asked_stays_in_the_form(open_service):
    page = Html(ask(open_service, "where is it?", kb="other").text)
    assert page.by_id("question").attributes["value"] == "where is it?"
    assert [option.text for option in page.all("option") if "selected" in option.attributes] == ["other"]


def test_both_languages_say_the_same(open_service):
    english, chinese = (Html(ask(open_service, language=language).text) for language in ("en", "zh"))
    assert [element.tag for element in english.elements] == [element.tag for element in chinese.elements]
    assert chinese.by_id("decision").text == "直接回答"
    assert chinese.by_id("means").text == "该条目与问题同义：置信度 0.9876 达到回答阈值 0.8。"
    assert chinese.by_id("answer").text == english.by_id("answer").text


@pytest.mark.parametrize(
    ("path", "accepted", "language"),
    [("/", "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"), ("/?lang=en", "zh-CN", "en"), ("/?lang=zh", "en", "zh-Hans")],
)
def test_the_language_is_the_one_asked_for_else_the_browser_s(open_service, path, accepted, language):
    response = open_service.get(path, headers={"Accept-Language": accepted})
    assert response.headers["content-language"] == language
    assert response.headers["vary"] == "Accept-Language"
    page = Html(response.text)
    assert page.all("html")[0].attributes["lang"] == language
    links = {link.attributes["href"]: link.attributes.get("aria-current") for link in page.all("a")}
    here, there = ("?lang=zh", "?lang=en") if language == "zh-Hans" else ("?lang=en", "?lang=zh")
    assert links[here] == "true"
    assert links[there] is None
    assert page.all("form")[0].attributes == {
        "method": "post",
        "action": here,
        "autocomplete": "off",
        "aria-label": {"?lang=zh": "提问", "?lang=en": "Question"}[here],
    }


@pytest.mark.parametrize("question", HOSTILE)
def test_nothing_that_is_typed_or_stored_becomes_markup(open_service, question):
    harmless, page = Html(ask(open_service).text), Html(ask(open_service, question).text)
    assert [element.tag for element in page.elements] == [element.tag for element in harmless.elements]
    assert page.by_id("answer").text == ANSWER
    assert page.by_id("question").attributes["value"] == question
    assert page.all("bdi")[0].text == question


@pytest.mark.parametrize("field_name", ["kb", "question"])
def test_a_refused_field_does_not_become_markup_either(open_service, field_name):
    fields = {"kb": "demo", "question": "q"} | {field_name: '<img src=x onerror="alert(1)">' * 40}
    page = Html(ask(open_service, **fields).text)
    assert page.has("error")
    assert not page.all("img")


@pytest.mark.parametrize("question", HOSTILE)
def test_the_curl_line_sends_the_very_request(open_service, question):
    page = Html(ask(open_service, question).text)
    reply = run_curl(page.by_id("curl").text)
    assert reply["matches"][0]["question"] == question
    assert reply["decision"] == page.by_id("decision").text.lower()
    assert reply["answer"] == page.by_id("answer").text
    assert str(reply["confidence"]) == page.by_id("confidence").attributes["value"]
    for name in ("version", "model", "calibration", "reranked"):
        assert str(reply[name]) == page.by_id(name).text


def test_the_curl_line_holds_no_key_and_takes_it_from_the_shell(keyed_service, bearer):
    secret = bearer["demo"]["Authorization"].removeprefix("Bearer ")
    page = Html(ask(keyed_service, key=secret).text)
    line = page.by_id("curl").text
    assert secret not in line
    assert run_curl(line, FAQMATCH_KEY=secret)["answer"] == page.by_id("answer").text
    assert run_curl(line, FAQMATCH_KEY="wrong")["status"] == 401


def test_without_a_key_the_page_asks_for_one_and_shows_nothing_else(keyed_service):
    response = keyed_service.get("/")
    assert response.status_code == 200
    page = Html(response.text)
    assert page.by_id("key").attributes.items() >= {"type": "password", "autocomplete": "off"}.items()
    assert "value" not in page.by_id("key").attributes
    assert not page.has("question")
    assert "demo" not in response.text
    assert "20261124T101502" not in response.text


def test_a_service_without_keys_asks_for_none(open_service):
    assert not Html(open_service.get("/").text).has("key")


def test_a_key_opens_the_list_of_its_own_knowledge_bases(keyed_service, bearer):
    secret = bearer["demo"]["Authorization"].removeprefix("Bearer ")
    response = keyed_service.post("/?lang=en", data={"key": secret})
    assert response.status_code == 200
    assert [option.text for option in Html(response.text).all("option")] == ["demo", "loading"]
    assert "other" not in response.text


def test_a_key_is_in_no_page_no_cookie_no_address_and_no_log(keyed_service, bearer):
    for name in ("demo", "admin"):
        secret = bearer[name]["Authorization"].removeprefix("Bearer ")
        for kb in ("demo", "other", "nowhere"):
            response = ask(keyed_service, key=secret, kb=kb)
            assert secret not in response.text
            assert secret not in str(response.headers)
            assert "set-cookie" not in response.headers
        keyed_service.wait_for_line(event="request", request_id=response.headers["x-request-id"])
        assert secret not in "".join(keyed_service.lines)


@pytest.mark.parametrize("key", ["", "wrong", " ", "密钥"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_missing_or_wrong_key_is_told_in_place(keyed_service, key, language):
    response = ask(keyed_service, "where is it?", key=key, language=language)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert (
        error_of(response)
        == {
            "en": "The API key is missing or not known. Type a valid key.",
            "zh": "API 密钥缺失或无效，请输入有效的密钥。",
        }[language]
    )
    page = Html(response.text)
    assert page.by_id("question").attributes["value"] == "where is it?"
    assert page.by_id("kb").tag == "input"
    assert "other" not in response.text
    assert not page.has("answer")


def test_a_key_for_another_knowledge_base_is_refused(keyed_service, bearer):
    secret = bearer["demo"]["Authorization"].removeprefix("Bearer ")
    response = ask(keyed_service, kb="other", key=secret)
    assert response.status_code == 403
    assert error_of(response) == "The API key is not for the knowledge base “other”."
    assert not Html(response.text).has("answer")


@pytest.mark.parametrize(
    ("fields", "status", "english", "chinese"),
    [
        ({"question": ""}, 422, "The question is blank", "问题为空"),
        ({"question": " \u3000\u200b"}, 422, "The question is blank", "问题为空"),
        ({"question": "问" * 1001}, 422, "it has 1001 characters, at most 1000", "共 1001 个字符，最多允许 1000 个"),
        ({"question": "a\0b"}, 422, "no text", "非文本字符"),
        ({"kb": "nowhere"}, 404, "no knowledge base “nowhere”", "知识库“nowhere”不存在"),
        ({"kb": ""}, 404, "no knowledge base “”", "知识库“”不存在"),
        ({"kb": "loading"}, 503, "“loading” cannot answer right now", "“loading”暂时无法回答"),
        ({"question": "fail"}, 500, "The service failed", "出错"),
    ],
)
def test_what_is_wrong_is_told_in_place_with_the_status_of_the_api(open_service, fields, status, english, chinese):
    for language, reason in (("en", english), ("zh", chinese)):
        response = ask(open_service, **fields, language=language)
        assert response.status_code == status
        assert reason in error_of(response)
        assert not Html(response.text).has("answer")
    if fields.get("kb", "demo") and "\0" not in fields.get("question", ""):
        assert open_service.query(fields.get("question", "q"), fields.get("kb", "demo")).status_code == status


def test_a_thousand_characters_are_not_too_many(open_service):
    assert ask(open_service, "问" * 1000).status_code == 200


def test_an_error_of_ours_is_logged_in_full_and_told_in_brief(open_service):
    response = ask(open_service, "fail")
    request_id = response.headers["x-request-id"]
    assert request_id in error_of(response)
    assert "secret detail" not in response.text
    line = open_service.wait_for_line(event="unexpected error", request_id=request_id)
    assert "secret detail" in str(line)


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b'{"question": "q"}', 415),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("", b"question=q", 415),
        ("application/x-www-form-urlencoded", b"question=%ff", 400),
        ("application/x-www-form-urlencoded", b"question=\xff", 400),
        ("application/x-www-form-urlencoded", b"&".join([b"a=b"] * 11), 400),
        ("application/x-www-form-urlencoded; charset=utf-8", "kb=demo&question=问".encode(), 200),
    ],
)
def test_only_a_readable_form_is_read(open_service, content_type, body, status):
    response = open_service.post("/", content=body, headers={"Content-Type": content_type})
    assert response.status_code == status
    assert Html(response.text).has("error") == (status != 200)


@pytest.fixture(scope="module")
def narrow_service(start_service):
    """One thread, no place in the queue, and small bodies."""
    return start_service(FAQMATCH_THREADS="1", FAQMATCH_QUEUE="0", FAQMATCH_BODY_LIMIT="1024")


def test_a_question_waits_at_the_same_gate_as_those_of_the_api(narrow_service):
    sleeper = threading.Thread(target=narrow_service.query, args=("sleep 1.5",))
    sleeper.start()
    while "faqmatch_queue_running 1.0" not in narrow_service.get("/metrics").text:
        pass
    response = ask(narrow_service)
    assert response.status_code == 429
    assert response.headers["retry-after"] == "1"
    assert error_of(response) == "Too many requests are waiting. Try again in a second."
    sleeper.join()
    assert ask(narrow_service).status_code == 200


def test_a_form_over_the_limit_is_refused_in_place(narrow_service):
    response = ask(narrow_service, "q" * 2000)
    assert response.status_code == 413
    assert error_of(response) == "The form that was sent is too large."


def test_a_question_counts_and_is_not_written_down(open_service):
    def decisions() -> float:
        found = re.search(r'decisions_total\{decision="answer",kb="other"\} (\S+)', open_service.get("/metrics").text)
        return float(found[1]) if found else 0.0

    before = decisions()
    response = ask(open_service, "a question of my very own", kb="other")
    assert decisions() == before + 1
    line = open_service.wait_for_line(event="request", request_id=response.headers["x-request-id"])
    assert line.items() >= {"route": "/", "status": 200, "kb": "other", "decision": "answer"}.items()
    assert "very own" not in "".join(open_service.lines)


def test_the_log_holds_no_name_that_a_client_made_up(open_service):
    response = ask(open_service, kb="made-up-name")
    assert "kb" not in open_service.wait_for_line(event="request", request_id=response.headers["x-request-id"])


def test_who_hangs_up_in_the_middle_of_the_form_is_no_error(open_service):
    with socket.create_connection(open_service.address) as connection:
        head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 99"
        connection.sendall(f"{head}\r\nX-Request-ID: hangs-up\r\n\r\nquestion=".encode())
    assert open_service.wait_for_line(event="request", request_id="hangs-up")["status"] == 499


def pages(open_service, keyed_service):
    return [open_service.get("/"), ask(open_service), ask(open_service, ""), keyed_service.get("/")]


def test_every_page_ties_the_browser_down(open_service, keyed_service):
    for response in pages(open_service, keyed_service):
        assert response.headers["content-security-policy"] == POLICY
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"


def test_no_page_needs_what_the_policy_stops(open_service, keyed_service):
    for response in pages(open_service, keyed_service):
        page = Html(response.text)
        assert not page.all("style")
        assert all(script.attributes.get("src") and not script.text for script in page.all("script"))
        for element in page.elements:
            assert not [name for name in element.attributes if name == "style" or name.startswith("on")]


def test_a_page_asks_nothing_of_the_internet_and_finds_its_files(open_service):
    page = Html(open_service.get("/").text)
    assert "://" not in page.page
    sources = [link.attributes["href"] for link in page.all("link")] + [page.all("script")[0].attributes["src"]]
    found = {source.partition("?")[0]: open_service.get(f"/{source}") for source in sources}
    assert {name: file.headers["content-type"].partition(";")[0] for name, file in found.items()} == {
        "static/console.svg": "image/svg+xml",
        "static/console.css": "text/css",
        "static/console.js": "text/javascript",
    }


def test_every_field_has_a_label(open_service, keyed_service, bearer):
    secret = bearer["query"]["Authorization"].removeprefix("Bearer ")
    for response in [
        *pages(open_service, keyed_service),
        ask(keyed_service, key="wrong"),
        ask(keyed_service, key=secret),
    ]:
        page = Html(response.text)
        fields = {one.attributes["id"] for one in page.elements if one.tag in ("input", "select")}
        assert fields == {label.attributes["for"] for label in page.all("label") if label.text.strip()}
