import gettext
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from service.errors import SettingsError
from service.language import Language, choose_language

CATALOGUE = Path(__file__).parents[2] / "service" / "locale" / "zh" / "LC_MESSAGES" / "faqmatch.po"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "FAQMATCH_LANG": "en"}, "en"),
        ({"FAQMATCH_LANG": "zh"}, "zh"),
        ({"FAQMATCH_LANG": "ZH-Hans"}, "zh"),
    ],
)
def test_the_language_is_the_one_asked_for_else_that_of_the_locale(environment, language):
    assert choose_language(environment) == Language(language)


def test_a_language_that_is_not_spoken_is_refused():
    with pytest.raises(SettingsError, match="FAQMATCH_LANG: 'fr' is no language of this command: use en or zh"):
        choose_language({"FAQMATCH_LANG": "fr"})


def test_the_compiled_catalogue_is_that_of_its_source():
    with CATALOGUE.open("rb") as source, CATALOGUE.with_suffix(".mo").open("rb") as compiled:
        templates = {message.id: message.string for message in read_po(source, locale="zh") if message.id}
        translations = gettext.GNUTranslations(compiled)
    assert {template: translations.gettext(template) for template in templates} == templates, (
        "compile it again, see service/language.py"
    )
