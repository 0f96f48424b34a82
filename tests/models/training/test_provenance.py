import pytest

from models.training.provenance import PROVENANCE, write_provenance
from models.training.recipe import Recipe, Task

TASKS = (
    Task(kind="groups", share=2, files=("faq.jsonl", "more.jsonl"), source="our FAQ, CC BY 4.0"),
    Task(kind="pairs", share=1, files=("pairs.tsv",)),
)


@pytest.fixture
def write(tmp_path):
    def write(before: str | None = None, **settings: object) -> str:
        base, checkpoint = tmp_path / "trunk", tmp_path / "checkpoint"
        base.mkdir()
        checkpoint.mkdir()
        if before:
            (base / PROVENANCE).write_text(before)
        write_provenance(
            checkpoint,
            base=base,
            recipe=Recipe(**{"steps": 1000, "rows": 8, "learning_rate": 3e-5, "seed": 7, "task": TASKS} | settings),
            recipe_name="ours",
            rows={"0-groups": 5336, "1-pairs": 2664},
            steps=900,
            development={"p_at_1_en-en": 0.91234, "p_at_1_zh-en": 0.8, "p_at_1": 0.85617},
        )
        return (checkpoint / PROVENANCE).read_text()

    return write


def test_the_tasks_are_listed_with_their_rows_and_licences(write):
    said = write()
    assert "Trained by the recipe ours: 900 steps of 8 rows of two texts, rate 3e-05,\nseed 7." in said
    assert "| groups | faq.jsonl, more.jsonl | 5,336 | our FAQ, CC BY 4.0 |" in said
    assert "| pairs | pairs.tsv | 2,664 | not stated |" in said


def test_what_the_trunk_says_of_itself_stays_and_no_longer_says_untrained(write):
    said = write("- Weights: somebody's (MIT). Not trained any further.\n- Vocabulary: small.\n")
    assert said.startswith("- Weights: somebody's (MIT). The trunk of what follows.\n- Vocabulary: small.\n\nTrained")


def test_a_trunk_that_says_nothing_is_named_by_its_folder(write):
    assert write().startswith("- Weights: trunk.\n\nTrained")


def test_what_was_measured_is_told_by_direction(write):
    assert write().endswith(
        "- Development P@1 (a held-out phrasing finds its meaning): en-en 0.9123, zh-en 0.8000, mean 0.8562.\n"
    )


def test_what_was_held_out_is_named(write):
    said = write(held_out=("covid_q/faq.jsonl", "bq/dev.tsv"))
    assert "- Not one text of these was trained on: covid_q/faq.jsonl, bq/dev.tsv.\n- Development" in said


def test_where_nothing_was_held_out_nothing_is_claimed(write):
    assert "Not one text" not in write()
