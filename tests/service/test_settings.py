from pathlib import Path

import pytest

from models.message import Message
from service.cores import available_cores
from service.errors import SettingsError
from service.settings import Settings, load_settings

SECRET = "0123456789abcdef"
PAGE = Path(__file__).parents[2] / "docs/configuration.md"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_defaults_need_nothing():
    settings = load_settings()
    assert (settings.host, settings.port, settings.queue, settings.deadline_ms) == ("127.0.0.1", 8080, 64, 2000)
    assert settings.home == Path("~/.faqmatch").expanduser()
    assert settings.threads == available_cores()
    assert settings.api_keys == settings.cors_origins == ()
    assert settings.log_questions is False


def test_an_argument_wins_over_the_environment_and_that_over_the_file(folder, monkeypatch):
    (folder / "faqmatch.toml").write_text("port = 1\nqueue = 2\nthreads = 3\n")
    monkeypatch.setenv("FAQMATCH_QUEUE", "20")
    monkeypatch.setenv("FAQMATCH_THREADS", "30")
    settings = load_settings(threads=300, port=None)
    assert (settings.port, settings.queue, settings.threads) == (1, 20, 300)


def test_the_file_may_be_named(folder, monkeypatch):
    (folder / "other.toml").write_text('host = "::1"\n')
    monkeypatch.setenv("FAQMATCH_CONFIG", str(folder / "other.toml"))
    assert load_settings().host == "::1"


def test_a_named_file_that_is_missing_is_an_error(monkeypatch):
    monkeypatch.setenv("FAQMATCH_CONFIG", "nowhere.toml")
    with pytest.raises(SettingsError, match=r"FAQMATCH_CONFIG names nowhere\.toml"):
        load_settings()


def test_an_unknown_key_in_the_file_is_one_line_that_names_it(folder):
    (folder / "faqmatch.toml").write_text("threds = 3\n")
    with pytest.raises(SettingsError, match=r"^unknown setting 'threds' in faqmatch\.toml; known are home, host, .*$"):
        load_settings()


def test_a_file_that_is_no_toml_is_one_line_that_names_the_place(folder):
    (folder / "faqmatch.toml").write_text("port = = 3\n")
    with pytest.raises(SettingsError, match=r"faqmatch\.toml is no TOML: .*line 1"):
        load_settings()


def test_a_value_out_of_range_names_the_setting_in_all_its_spellings(monkeypatch):
    monkeypatch.setenv("FAQMATCH_PORT", "70000")
    with pytest.raises(SettingsError, match=r"setting port \(FAQMATCH_PORT, or port in faqmatch\.toml\): .*65535"):
        load_settings()


def test_every_mistake_is_told_at_once(monkeypatch):
    monkeypatch.setenv("FAQMATCH_PORT", "nine")
    monkeypatch.setenv("FAQMATCH_QUEUE", "-1")
    with pytest.raises(SettingsError, match=r"^setting port .*: Input .* integer; setting queue .*: Input .* to 0$"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "nine"),
        ("port", "70000"),
        ("queue", "-1"),
        ("log_questions", "maybe"),
        ("cors_origins", "example.org"),
        ("api_keys", "no-colon"),
    ],
)
def test_what_is_wrong_with_a_setting_can_be_said_in_every_language(monkeypatch, name, value):
    monkeypatch.setenv(f"FAQMATCH_{name.upper()}", value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    [told] = [part for part in raised.value.message.values.values() if part != "; "]
    assert isinstance(told.values["reason"], Message)


def test_the_language_of_the_command_line_is_no_setting_and_no_mistake(monkeypatch):
    monkeypatch.setenv("FAQMATCH_LANG", "zh")
    assert load_settings().port == 8080


def test_an_empty_variable_counts_as_not_set(monkeypatch):
    monkeypatch.setenv("FAQMATCH_API_KEYS", "")
    monkeypatch.setenv("FAQMATCH_PORT", "")
    assert load_settings().port == 8080


def test_keys_and_origins_are_read_from_a_comma_list(monkeypatch):
    monkeypatch.setenv("FAQMATCH_API_KEYS", f"query@demo:{SECRET}, admin:{SECRET}2,")
    monkeypatch.setenv("FAQMATCH_CORS_ORIGINS", "https://a.example, http://localhost:3000")
    settings = load_settings()
    assert [key.kbs for key in settings.api_keys] == [{"demo"}, frozenset()]
    assert settings.cors_origins == ("https://a.example", "http://localhost:3000")


def test_keys_and_origins_may_be_lists_in_the_file(folder):
    (folder / "faqmatch.toml").write_text(f'api_keys = ["query:{SECRET}"]\ncors_origins = ["*"]\n')
    settings = load_settings()
    assert len(settings.api_keys) == 1
    assert settings.cors_origins == ("*",)


def test_a_bad_key_is_named_by_its_position_and_its_text_is_nowhere(monkeypatch):
    monkeypatch.setenv("FAQMATCH_API_KEYS", f"query:{SECRET},{SECRET}secret")
    with pytest.raises(SettingsError, match=r"api_keys .*key 2: must be written") as raised:
        load_settings()
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None


def test_settings_show_no_secret(monkeypatch):
    monkeypatch.setenv("FAQMATCH_API_KEYS", f"query:{SECRET}")
    assert SECRET not in repr(load_settings())
    assert SECRET not in load_settings().model_dump_json(exclude={"api_keys": {"__all__": {"digest"}}})


@pytest.mark.parametrize("origin", ["example.org", "https://example.org/", "https://example.org/path", "ftp://x"])
def test_an_origin_that_no_browser_sends_is_refused(origin):
    with pytest.raises(SettingsError, match="no origin"):
        load_settings(cors_origins=[origin])


def test_a_wrong_type_in_the_file_is_an_error(folder):
    (folder / "faqmatch.toml").write_text("api_keys = 3\n")
    with pytest.raises(SettingsError, match="setting api_keys"):
        load_settings()


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_described_and_stands_in_the_documentation(name):
    field = Settings.model_fields[name]
    row = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{name}` |"))
    assert f"`FAQMATCH_{name.upper()}`" in row
    assert field.description
    default = field.get_default(call_default_factory=False)
    if isinstance(default, (int, str)):
        assert f"| `{str(default).lower()}` |" in row


def test_the_documentation_names_no_setting_that_does_not_exist():
    rows = [line.split("`")[1] for line in PAGE.read_text().splitlines() if "| `FAQMATCH_" in line]
    assert sorted(rows) == sorted(Settings.model_fields)
