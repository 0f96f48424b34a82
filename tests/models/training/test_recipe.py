from pathlib import Path

import pytest

from models.errors import TrainingError
from models.training.recipe import RECIPES, Recipe, Task, find_recipe, read_recipe
from models.training.texts import CORPUS

TASK = '[[task]]\nkind = "groups"\nshare = 1\nfiles = ["faq.jsonl"]\n'
SHIPPED = sorted(file.stem for file in RECIPES.glob("*.toml"))
OF_ENCODERS = [name for name in SHIPPED if "reranker" not in name and "interaction" not in name]
PAGE = Path(__file__).parents[3] / "docs" / "training.md"


@pytest.fixture
def read(tmp_path):
    def read(content: str) -> Recipe:
        (tmp_path / "recipe.toml").write_text(content, encoding="utf-8")
        return read_recipe(tmp_path / "recipe.toml")

    return read


def refusal(read, content: str) -> str:
    with pytest.raises(TrainingError) as refused:
        read(content)
    place, _, problem = str(refused.value).partition("recipe.toml: ")
    assert place
    return problem


def test_a_recipe_says_what_differs_and_the_rest_has_defaults(read):
    recipe = read(f"steps = 300\nrows = 8\ndomains = ['hotel']\n{TASK}")
    assert recipe == Recipe(
        steps=300, rows=8, domains=("hotel",), task=(Task(kind="groups", share=1, files=("faq.jsonl",)),)
    )
    assert (recipe.seed, recipe.freeze_tokens, recipe.task[0].optional) == (20261124, True, False)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("stepz = 1", "stepz: Extra inputs are not permitted"),
        ("rows = 1", "rows: Input should be greater than or equal to 2"),
        ("rows = 'many'", "rows: Input should be a valid integer, unable to parse string as an integer"),
        ("warmup = 1.0", "warmup: Input should be less than 1"),
        ("warmup = -0.1", "warmup: Input should be greater than or equal to 0"),
        ("temperature = 0", "temperature: Input should be greater than 0"),
        ("learning_rate = 0", "learning_rate: Input should be greater than 0"),
        ("development_share = 1", "development_share: Input should be less than 1"),
        ("max_tokens = 4", "max_tokens: Input should be greater than or equal to 8"),
        ("layers = -1", "layers: Input should be greater than or equal to 0"),
        ("frozen_layers = -1", "frozen_layers: Input should be greater than or equal to 0"),
        ("evaluate_every = 0", "evaluate_every: Input should be greater than or equal to 1"),
        ("patience = 0", "patience: Input should be greater than or equal to 1"),
        ("checkpoints_kept = 0", "checkpoints_kept: Input should be greater than or equal to 1"),
        ("domains = 'hotel'", "domains: Input should be a valid tuple"),
        ("held_out = [3]", "held_out.0: Input should be a valid string"),
        ("freeze_tokens = 'perhaps'", "freeze_tokens: Input should be a valid boolean, unable to interpret input"),
    ],
)
def test_a_wrong_key_is_named(read, line, problem):
    assert refusal(read, f"steps = 3\n{line}\n{TASK}") == problem


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("limits = 3", "task.0.limits: Extra inputs are not permitted"),
        ("limit = -3", "task.0.limit: Input should be greater than or equal to 0"),
        ("squared_error = -1", "task.0.squared_error: Input should be greater than or equal to 0"),
        ("teacher_temperature = 0", "task.0.teacher_temperature: Input should be greater than 0"),
        ("across_languages = 1.5", "task.0.across_languages: Input should be less than or equal to 1"),
        ("optional = 'if there'", "task.0.optional: Input should be a valid boolean, unable to interpret input"),
    ],
)
def test_a_wrong_key_of_a_task_is_named(read, line, problem):
    assert refusal(read, f"steps = 3\n{TASK}{line}\n") == problem


@pytest.mark.parametrize(
    ("task", "problem"),
    [
        ('share = 1\nfiles = ["a"]', "task.0.kind: Field required"),
        ('kind = "groups"\nshare = 0\nfiles = ["a"]', "task.0.share: Input should be greater than 0"),
        (
            'kind = "groups"\nshare = 1\nfiles = []',
            "task.0.files: Tuple should have at least 1 item after validation, not 0",
        ),
        (
            'kind = "magic"\nshare = 1\nfiles = ["a"]',
            "task.0.kind: Input should be 'distil', 'translations', 'corpus', 'groups', 'graded' or 'pairs'",
        ),
        ('kind = "distil"\nshare = 1\nfiles = ["a"]', "task.0.teacher: is missing, distil needs one"),
        (
            'kind = "translations"\nshare = 1\nteacher = "base"\nfiles = ["a", "b", "c"]',
            "task.0.files: translations takes one or two",
        ),
    ],
)
def test_a_task_that_cannot_be_drawn_is_named(read, task, problem):
    assert refusal(read, f"steps = 3\n[[task]]\n{task}\n") == problem


def test_a_domain_is_not_both_trained_on_and_measured(read):
    corpus = '[[task]]\nkind = "corpus"\nshare = 1\nfiles = ["bank", "hotel"]\n'
    problem = refusal(read, f'steps = 3\ndomains = ["hotel", "energy"]\n{TASK}{corpus}')
    assert problem == "task.1.files: hotel cannot be trained on and measured (domains)"


def test_all_that_is_wrong_is_named_at_once(read):
    problem = refusal(read, f"stepz = 3\nrows = 1\n{TASK}")
    assert problem == (
        "steps: Field required; rows: Input should be greater than or equal to 2; stepz: Extra inputs are not permitted"
    )


def test_a_recipe_without_tasks_trains_nothing(read):
    assert refusal(read, "steps = 3\n") == "task: Field required"
    assert refusal(read, f"steps = 3\n{TASK.replace('[[task]]', '[task]')}") == "task: Input should be a valid tuple"


def test_a_file_that_is_no_recipe_at_all_is_named(read, tmp_path):
    assert refusal(read, "steps 3").startswith("is no TOML: ")
    (tmp_path / "recipe.toml").write_bytes(b"steps = 3 # \xff")
    with pytest.raises(TrainingError, match=r"recipe\.toml: is no TOML: "):
        read_recipe(tmp_path / "recipe.toml")
    with pytest.raises(TrainingError, match=r"none\.toml: cannot be read \(No such file or directory\)"):
        read_recipe(tmp_path / "none.toml")


@pytest.mark.parametrize("name", OF_ENCODERS)
def test_every_shipped_recipe_is_one(name):
    recipe = read_recipe(find_recipe(name))
    domains = {file.stem for file in CORPUS.glob("*.jsonl")}
    assert domains.issuperset(recipe.domains)
    assert all(domains.issuperset(task.files) for task in recipe.task if task.kind == "corpus")
    assert all(task.source for task in recipe.task)
    assert recipe.domains or recipe.development_share


def test_the_recipes_of_the_shipped_encoders_and_that_for_an_own_faq_are_shipped():
    assert SHIPPED == [
        "own-faq",
        "question-encoder-en",
        "question-encoder-interaction",
        "question-encoder-zh-en",
        "question-reranker-zh-en",
    ]
    assert not any(task.teacher for task in read_recipe(find_recipe("own-faq")).task)


def test_a_recipe_is_found_by_its_file_before_a_shipped_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_recipe("own-faq") == RECIPES / "own-faq.toml"
    (tmp_path / "own-faq").write_text(f"steps = 3\n{TASK}")
    assert find_recipe("own-faq") == Path("own-faq")
    with pytest.raises(TrainingError) as refused:
        find_recipe("no-such")
    assert str(refused.value) == f"recipe no-such: neither a shipped recipe ({', '.join(SHIPPED)}) nor a file"


@pytest.mark.parametrize("table", [Recipe, Task])
def test_every_key_stands_in_the_documentation(table):
    page = PAGE.read_text(encoding="utf-8")
    assert [key for key in table.model_fields if f"| `{key}` |" not in page] == []
