"""Write the OpenAPI document: `python -m service.openapi > docs/openapi.json`."""

import json
import sys
from collections.abc import Sequence

from service.api_description import describe
from service.app import create_app
from service.errors import UnknownKnowledgeBase
from service.matching import KnowledgeBaseInfo, Matcher, Readiness
from service.settings import Settings


class _NoKnowledgeBases:
    """The document is the same whatever is served."""

    def names(self) -> Sequence[str]:
        return ()

    def matcher(self, kb: str) -> Matcher:
        raise UnknownKnowledgeBase(kb)

    def describe(self, kb: str) -> KnowledgeBaseInfo:
        raise UnknownKnowledgeBase(kb)

    def reranker(self) -> str | None:
        return None

    def readiness(self) -> Readiness:
        return Readiness(ready=True)


def openapi_json() -> str:
    """Give the document as it is checked in; it depends on no setting."""
    document = describe(create_app(_NoKnowledgeBases(), Settings.model_construct()))
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(openapi_json())
