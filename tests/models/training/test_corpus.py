"""The corpus keeps what its README promises, and its variety is measured, not claimed."""

import json
from difflib import SequenceMatcher
from itertools import combinations
from pathlib import Path

import pytest

import models.training

CORPUS = Path(models.training.__file__).parent / "corpus"
DOMAINS = sorted(path.stem for path in CORPUS.glob("*.jsonl"))
LANGUAGES = ("zh", "en")


def read(domain):
    return [json.loads(line) for line in (CORPUS / f"{domain}.jsonl").read_text(encoding="utf-8").splitlines()]


def folded(phrasing):
    return "".join(character for character in phrasing.casefold() if character.isalnum())


def test_the_corpus_has_the_size_that_its_readme_states():
    meanings = [meaning for domain in DOMAINS for meaning in read(domain)]
    counts = {language: sum(len(meaning[language]) for meaning in meanings) for language in LANGUAGES}
    readme = (CORPUS / "README.md").read_text(encoding="utf-8")
    assert f"{len(meanings):,} meanings in {len(DOMAINS)} domains" in readme
    assert f"{counts['zh']:,} Chinese and" in readme
    assert f"{counts['en']:,} English" in readme


@pytest.mark.parametrize("domain", DOMAINS)
def test_each_meaning_has_eight_phrasings_a_language_and_mutual_near_misses(domain):
    meanings = {meaning["id"]: meaning for meaning in read(domain)}
    assert len(meanings) == len(read(domain))
    for identifier, meaning in meanings.items():
        assert identifier.startswith(f"{domain}/")
        assert all(len(meaning[language]) >= 8 for language in LANGUAGES)
        assert all(identifier in meanings[near]["near"] for near in meaning["near"])


@pytest.mark.parametrize("domain", DOMAINS)
def test_no_phrasing_stands_twice_in_a_domain(domain):
    seen = [folded(text) for meaning in read(domain) for language in LANGUAGES for text in meaning[language]]
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("domain", DOMAINS)
def test_phrasings_of_a_meaning_are_no_slot_filled_template(domain):
    """Similarity of two phrasings by matching blocks, averaged over a meaning: a filled template is above 0.8."""
    for meaning in read(domain):
        for language in LANGUAGES:
            pairs = list(combinations(map(folded, meaning[language]), 2))
            mean = sum(SequenceMatcher(None, a, b, autojunk=False).ratio() for a, b in pairs) / len(pairs)
            assert mean < 0.6, (meaning["id"], language, mean)
