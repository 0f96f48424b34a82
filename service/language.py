"""Which language the command line speaks, and how it says a message.

The catalogue is service/locale/zh/LC_MESSAGES/faqmatch.po, compiled beside it by
`pybabel compile --domain faqmatch --directory service/locale`. It also holds what typer takes from gettext for itself.
"""

import gettext
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from models.message import Message, message_of
from service.errors import SettingsError

VARIABLE: Final = "FAQMATCH_LANG"
_DOMAIN: Final = "faqmatch"
_LOCALE: Final = Path(__file__).parent / "locale"


class Language(StrEnum):
    """A language of the command line and the template."""

    EN = "en"
    ZH = "zh"


def choose_language(environment: Mapping[str, str]) -> Language:
    """Give the language of FAQMATCH_LANG, else of the locale (POSIX: LC_ALL, LC_MESSAGES, LANG), else English.

    Raises SettingsError where FAQMATCH_LANG names another language.
    """
    if asked := environment.get(VARIABLE):
        language = _language_of(asked)
        if language is None:
            raise SettingsError(
                Message(
                    "{variable}: {value!r} is no language of this command: use en or zh", variable=VARIABLE, value=asked
                )
            )
        return language
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environment.get(name))), "")
    return _language_of(locale) or Language.EN


def speak(language: Language) -> None:
    """Make this process say its messages in `language` from now on."""
    gettext.bindtextdomain(_DOMAIN, _LOCALE)
    gettext.textdomain(_DOMAIN)
    os.environ["LANGUAGE"] = language  # gettext looks here first


def translate(said: Any) -> str:  # noqa: ANN401 (a message, or whatever carries one)
    """Give a message, or that of an error, in the language of this process; other text as it is."""
    message = message_of(said)
    return str(said) if message is None else message.translated(gettext.gettext)


def _language_of(name: str) -> Language | None:
    """Give the language of a locale's name such as zh_CN.UTF-8; traditional Chinese is answered in simplified."""
    code = name.replace("-", "_").partition("_")[0].partition(".")[0].lower()
    return next((language for language in Language if language == code), None)
