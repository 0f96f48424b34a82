import base64
import hashlib
import re


def test_the_page_asks_nothing_of_the_internet(open_service):
    page = open_service.get("/docs").text
    assert "://" not in page
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(sources) == 3
    for source in sources:
        asset = open_service.get(f"/{source}")
        assert asset.status_code == 200
        assert len(asset.content) > 1000


def test_the_policy_of_the_page_lets_its_one_inline_script_run_and_no_other(open_service):
    response = open_service.get("/docs")
    [script] = re.findall(r"<script>(.*?)</script>", response.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = response.headers["content-security-policy"]
    assert f"script-src 'self' 'sha256-{digest}'" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]


def test_the_document_that_is_served_is_the_one_that_is_described(open_service):
    document = open_service.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert document == open_service.get("/openapi.json").json()
