import socket

import pytest


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_taken_port_is_one_line_and_nothing_is_written(faqmatch, tmp_path, command):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        ran = faqmatch(command, "--home", tmp_path / "home", "--port", port)
    assert ran.mistake == (
        f"cannot listen on 127.0.0.1:{port}: the port is taken; stop what listens there, or take another with --port"
    )
    assert not (tmp_path / "home").exists()


def test_another_address_without_keys_is_one_line(faqmatch, tmp_path):
    mistake = faqmatch("serve", "--home", tmp_path / "home", "--host", "0.0.0.0").mistake
    assert mistake.startswith("refusing to listen on 0.0.0.0 without API keys")


def test_an_unknown_key_of_the_settings_file_is_one_line(faqmatch, tmp_path):
    (tmp_path / "faqmatch.toml").write_text("threds = 3\n")
    assert faqmatch("serve").mistake.startswith("unknown setting 'threds' in faqmatch.toml; known are home, host, port")


def test_a_setting_out_of_range_is_one_line_from_wherever_it_comes(faqmatch):
    told = "setting port (FAQMATCH_PORT, or port in faqmatch.toml): "
    assert faqmatch("serve", "--port", "70000").mistake.startswith(told)
    assert faqmatch("serve", FAQMATCH_PORT="nine").mistake.startswith(told)


def test_a_file_in_the_place_of_the_data_folder_is_one_line(faqmatch, tmp_path):
    (tmp_path / "home").write_text("")
    mistake = faqmatch("serve", "--home", tmp_path / "home", "--port", "0").mistake
    assert mistake.startswith(f"{tmp_path / 'home'}")
    assert mistake.endswith("a part of the path is a file: choose another folder with --home")


@pytest.mark.parametrize("command", [("serve", "--reranker", "no-such"), ("demo",)])
def test_a_reranker_that_is_not_there_is_one_line_before_anything_is_done(faqmatch, tmp_path, command):
    home = tmp_path / "home"
    mistake = faqmatch(*command, "--home", home, "--port", "0", FAQMATCH_RERANKER="no-such").mistake
    assert mistake.startswith(
        "setting reranker (FAQMATCH_RERANKER, or reranker in faqmatch.toml): reranker no-such: neither a shipped one ("
    )
    assert not home.exists()
