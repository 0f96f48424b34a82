import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from service.doctor import setup
from service.settings import Settings

KEY = "query:0123456789abcdef"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working folder without a faqmatch.toml."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_settings_that_can_be_read_are_well(folder):
    settings, found = setup.check_settings({"port": 9000, "home": None})
    assert (settings.port, str(found)) == (9000, "settings: no faqmatch.toml: environment, defaults")
    (folder / "faqmatch.toml").write_text("threads = 3\n")
    settings, found = setup.check_settings({})
    assert (settings.threads, found.status, found.finding) == (3, "ok", str(folder / "faqmatch.toml"))


@pytest.mark.parametrize(
    ("written", "told"), [("threds = 3\n", "'threds'"), ("port = 0.5\n", "setting port"), ("port\n", "is no TOML")]
)
def test_settings_that_serve_would_refuse_are_a_failure(folder, written, told):
    (folder / "faqmatch.toml").write_text(written)
    settings, found = setup.check_settings({})
    assert (settings, found.status) == (None, "fail")
    assert told in found.finding
    assert "docs/configuration.md" in found.fix


def test_a_variable_that_is_no_setting_is_a_warning():
    given = {"FAQMATCH_THREDS": "3", "FAQMATCH_PORT": "1", "HOME": "/"}
    found = setup.check_variables(given)
    assert (found.status, found.finding) == ("warn", "FAQMATCH_THREDS: no setting, and so without effect")


def test_variables_are_named_and_never_their_values():
    given = {"FAQMATCH_CONFIG": "x", "faqmatch_port": "1", "FAQMATCH_API_KEYS": KEY, "FAQMATCH_LANG": "zh"}
    found = setup.check_variables(given)
    assert (found.status, found.finding) == (
        "ok",
        "FAQMATCH_API_KEYS, FAQMATCH_CONFIG, FAQMATCH_LANG, faqmatch_port",
    )
    assert setup.check_variables({}).finding == "none set"


def test_without_keys_only_this_machine_may_be_served():
    assert setup.check_keys(Settings(host="127.0.0.1")).finding == "none, 127.0.0.1 is this machine"
    found = setup.check_keys(Settings(host="0.0.0.0"))
    assert (found.status, found.finding) == ("fail", "none, but the address is 0.0.0.0: the service will not start")
    assert "FAQMATCH_API_KEYS" in found.fix


def test_with_keys_any_address_will_do():
    found = setup.check_keys(Settings(host="0.0.0.0", api_keys=KEY))
    assert (found.status, found.finding) == ("ok", "1 for 0.0.0.0")


def test_a_free_port_is_well_and_stays_free():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for _ in range(2):
        assert str(setup.check_port("127.0.0.1", port)) == f"port: {port} on 127.0.0.1 is free"
    assert setup.check_port("127.0.0.1", 0).finding == "0: a free one is taken"


def test_a_port_that_a_faqmatch_serves_is_well(open_service):
    host, port = open_service.address
    for asked in (host, "0.0.0.0"):
        found = setup.check_port(asked, port)
        assert (found.status, found.finding) == ("ok", f"{port} is served: a faqmatch is running there already")


class _Other(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "fine"}')

    def log_message(self, *_):
        pass


def test_a_port_that_another_program_serves_is_a_failure():
    with HTTPServer(("127.0.0.1", 0), _Other) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        found = setup.check_port("127.0.0.1", server.server_port)
        server.shutdown()
        thread.join()
    assert (found.status, found.finding) == (
        "fail",
        f"cannot listen on 127.0.0.1:{server.server_port}: the port is taken",
    )
    assert found.fix == "stop what listens there, or take another with --port"


def test_an_address_that_this_machine_lacks_is_a_failure():
    found = setup.check_port("192.0.2.1", 0)
    assert (found.status, found.fix) == ("fail", "take another with --host")
