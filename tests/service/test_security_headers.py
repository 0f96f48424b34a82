import pytest


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/docs", "/docs/assets/swagger-ui.css", "/openapi.json"])
def test_every_reply_ties_the_browser_down(open_service, path):
    headers = open_service.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "server" not in headers
