"""The settings of the service, read once at the top: arguments, environment, `faqmatch.toml`, defaults."""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from models.errors import ModelDirectoryError
from models.message import Message, joined
from service.auth import ApiKey, parse_keys
from service.cores import available_cores
from service.errors import SettingsError
from service.library_sentences import as_message

PREFIX: Final = "FAQMATCH_"
CONFIG_VARIABLE: Final = "FAQMATCH_CONFIG"
DEFAULT_CONFIG: Final = Path("faqmatch.toml")


class Settings(BaseSettings):
    """Every setting is a keyword here, `FAQMATCH_<NAME>` in the environment and `<name>` in `faqmatch.toml`.

    Read it with `load_settings`, which gives errors that a person can act on.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    home: Path = Field(default=Path("~/.faqmatch"), description="Folder of the knowledge bases, models and caches.")
    host: str = Field(
        default="127.0.0.1", description="Address to listen on. Anything but loopback needs at least one API key."
    )
    port: int = Field(default=8080, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one.")
    threads: int = Field(
        default_factory=available_cores,
        ge=1,
        le=1024,
        description="Queries worked on side by side. Default: the cores this process may use "
        "(CPU affinity and cgroup quota).",
    )
    encoder: str | None = Field(
        default=None,
        description="Shipped model or model folder for index runs, where neither --model nor kb.json names one. "
        "Default: by the language of the FAQ.",
    )
    reranker: str | None = Field(
        default=None,
        description="Shipped reranker or folder of one, for queries that ask for it; `none` goes without. Default: the "
        "shipped one, where there is one.",
    )
    queue: int = Field(
        default=64, ge=0, description="Requests that may wait for a thread; one more is refused with 429."
    )
    deadline_ms: int = Field(
        default=2000,
        ge=1,
        description="Longest wait for a thread, in milliseconds; then the request is refused with 504.",
    )
    body_limit: int = Field(
        default=1024 * 1024, ge=1024, description="Largest request body, in bytes; a larger one gets 413."
    )
    api_keys: Annotated[tuple[ApiKey, ...], NoDecode] = Field(
        default=(), description="API keys, separated by commas (in TOML a list will do as well). Default: none, open."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Web origins whose pages may call the service, separated by commas (in TOML a list will do "
        "as well), such as `https://www.example.org`; `*` is any. Default: none.",
    )
    log_questions: bool = Field(default=False, description="Write the text of questions into the log.")
    keep_alive: int = Field(default=75, ge=1, description="Seconds that an idle connection is kept open.")
    shutdown_grace: int = Field(
        default=30, ge=0, description="Seconds that requests in flight have to finish once the service is told to stop."
    )

    @field_validator("home")
    @classmethod
    def _expand(cls, home: Path) -> Path:
        return home.expanduser()

    @field_validator("api_keys", mode="before")
    @classmethod
    def _parse_keys(cls, written: object) -> object:
        return parse_keys(texts) if (texts := _texts(written)) is not None else written

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _check_origins(cls, written: object) -> object:
        texts = _texts(written)
        for origin in texts or ():
            if origin != "*" and (not origin.startswith(("http://", "https://")) or origin.count("/") != 2):
                told = Message(
                    "{origin!r} is no origin: write scheme://host[:port], without a path, or *", origin=origin
                )
                raise ValueError(told)
        return written if texts is None else texts

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (the library passes it by name)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the TOML file below the environment; no .env file, no secrets folder."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config_file())


def load_settings(**given: Any) -> Settings:  # noqa: ANN401  (they are what the fields are)
    """Read the settings; an argument that is None counts as not given.

    Raises SettingsError with one line that names the setting and the fix.
    """
    config = config_file()
    if CONFIG_VARIABLE in os.environ and not config.is_file():
        raise SettingsError(Message("{variable} names {file}, which is no file", variable=CONFIG_VARIABLE, file=config))
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        told = [_explain(detail, config) for detail in error.errors()]
        raise SettingsError(joined(told, Message("; "))) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(Message("{file} is no TOML: {reason}", file=config, reason=error)) from error
    except OSError as error:
        raise SettingsError(Message("{file} cannot be read: {reason}", file=config, reason=error.strerror)) from error


def config_file() -> Path:
    """Give the settings file that is read where it exists."""
    return Path(os.environ.get(CONFIG_VARIABLE) or DEFAULT_CONFIG)


def _explain(error: ErrorDetails, config: Path) -> Message:
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        known = ", ".join(Settings.model_fields)
        return Message("unknown setting {name!r} in {file}; known are {known}", name=name, file=config, known=known)
    ours = error.get("ctx", {}).get("error")
    return Message(
        "setting {name} ({variable}, or {name} in {file}): {reason}",
        name=name,
        variable=f"{PREFIX}{name.upper()}",
        file=config,
        reason=ours.args[0] if isinstance(ours, ValueError) else as_message(error["msg"]),
    )


def refuse_model(setting: str, reason: ModelDirectoryError) -> ModelDirectoryError:
    """Give the error of a setting that names a model which is not there, in all spellings of the setting."""
    return ModelDirectoryError(
        Message(
            "setting {name} ({variable}, or {name} in {file}): {reason}",
            name=setting,
            variable=f"{PREFIX}{setting.upper()}",
            file=config_file(),
            reason=reason,
        )
    )


def _texts(written: object) -> list[str] | None:
    """Give the parts of a comma list or a list of texts; None = it is neither, let the field say so."""
    if isinstance(written, str):
        return [part.strip() for part in written.split(",") if part.strip()]
    if isinstance(written, (list, tuple)) and all(isinstance(part, str) for part in written):
        return [part.strip() for part in written]
    return None
