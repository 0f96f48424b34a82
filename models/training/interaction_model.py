"""`faqmatch train interaction`: a recipe, an encoder and data become a model directory that has an interaction head."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.card import HeadAgreement, HeadFacts
from models.directory import ModelDirectory
from models.errors import TrainingError
from models.interaction import OnnxInteractionHead
from models.interaction_directory import write_directory_with_head
from models.interaction_graph import build_interaction_graph
from models.message import Message
from models.temperature_fit import fit_temperature
from models.timing import median_milliseconds
from models.training.continuation import RUN
from models.training.interaction import TrainedHead, average_precisions, train_head
from models.training.interaction_pairs import EncodedTexts, PairRows, development_blocks, rows_of
from models.training.interaction_recipe import InteractionRecipe
from models.training.pair_source import PairSource
from models.training.provenance import trained_on
from models.training.task_texts import without_absent
from models.training.texts import read_corpus
from models.types import Encoder, InteractionHead, Vectors

MODEL: Final = "model"
"""In the folder of a training: what it ends with."""
_CANDIDATES: Final = 100
"""That are timed."""
_LEAST_GAIN: Final = 0.0005
"""Of the average precision: less is what rounding and ties give."""


@dataclass(frozen=True, kw_only=True)
class InteractionRequest:
    """What to train, from what, and where to."""

    recipe: InteractionRecipe
    recipe_name: str
    directory: ModelDirectory
    """Of the encoder."""
    data: Path
    out: Path
    """Gets `run/log.jsonl` and `model/`."""


@dataclass(frozen=True, kw_only=True)
class _Drawn:
    """What is trained and measured on."""

    vectors: Vectors
    pairs: PairRows
    development: Mapping[str, PairRows]
    provenance: str


def train_interaction(
    request: InteractionRequest,
    encoder: Encoder,
    say: Callable[[Message], None],
    on_progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Path:
    """Train a head for `encoder`, and give the model directory.

    Raises TrainingError when a file cannot be used, and where affinity does not tell the development pairs apart better
    than the cosine; `model/` is then untouched.
    """
    drawn = _draw(request, encoder, say, on_progress)
    run = request.out / RUN
    run.mkdir(parents=True, exist_ok=True)
    trained = train_head(
        drawn.vectors,
        drawn.pairs,
        drawn.development,
        request.recipe,
        run / "log.jsonl",
        lambda step, found: say(
            Message("step {step:,}: development average precision {found:.4f}", step=step, found=found)
        ),
    )
    same = np.concatenate([one.label for one in drawn.development.values()]) > 0.5
    temperature = fit_temperature(trained.development_logits.astype(np.float64), same)
    network = build_interaction_graph(trained.weights, encoder.spec.digest, temperature).SerializeToString()
    out = request.out / MODEL
    write_directory_with_head(
        request.directory, out, network, lambda head: _judge(head, request, drawn, trained, temperature)
    )
    return out


def affinities_of(head: InteractionHead, vectors: Vectors, pairs: PairRows) -> NDArray[np.float32]:
    """Give the affinity of each pair, (n,), one by one as it serves."""
    rows = zip(pairs.first, pairs.second, strict=True)
    return np.array([head.affinities(vectors[first], vectors[None, second])[0] for first, second in rows], np.float32)


def _draw(
    request: InteractionRequest,
    encoder: Encoder,
    say: Callable[[Message], None],
    on_progress: Callable[[str, int, int], None],
) -> _Drawn:
    recipe = without_absent(request.recipe, request.data)
    texts = EncodedTexts(encoder=encoder, on_progress=on_progress)
    source = PairSource(recipe=recipe, data=request.data, encode=texts)
    domains = [*read_corpus(recipe.domains, recipe.languages).values()] or [source.development]
    measured = development_blocks(domains, recipe)
    say(Message("reading the training data, and encoding it with {encoder}", encoder=encoder.spec.label))
    blocks = source.draw()
    together = chain.from_iterable((*blocks.values(), *measured.values()))
    texts.places([text for block in together for text in (*block.first, *block.second)])  # all in one go
    development = {name: rows_of([some], texts) for name, some in measured.items()}
    pairs = rows_of([*blocks.values()], texts)
    rows = {name: recipe.rows * len(some) for name, some in blocks.items()}
    return _Drawn(
        vectors=texts.vectors(),
        pairs=pairs,
        development=development,
        provenance=f"rate {recipe.learning_rate:g}, seed {recipe.seed}, dropout {recipe.dropout:g}, weight decay "
        f"{recipe.weight_decay:g}.\n\n{trained_on(recipe, rows)}",
    )


def _judge(
    head: OnnxInteractionHead, request: InteractionRequest, drawn: _Drawn, trained: TrainedHead, temperature: float
) -> HeadFacts:
    """Measure the head that serves; TrainingError where it is no better than the cosine."""
    vectors, sets = drawn.vectors, drawn.development
    alone = average_precisions(lambda pairs: pairs.cosines(vectors), sets)
    found = average_precisions(lambda pairs: affinities_of(head, vectors, pairs), sets)
    if found["mean"] < alone["mean"] + _LEAST_GAIN:
        raise TrainingError(
            Message(
                "{encoder}: the average precision of affinity on the development pairs is {found:.4f}, that of the "
                "cosine {alone:.4f}: such a head would add nothing, give other training pairs or change the recipe",
                encoder=request.directory.path,
                found=found["mean"],
                alone=alone["mean"],
            )
        )
    candidates = vectors[:_CANDIDATES]
    return HeadFacts(
        label=head.label,
        width=request.recipe.hidden,
        temperature=temperature,
        median_ms=median_milliseconds(lambda query: head.affinities(query, candidates), list(candidates)),
        provenance=f"Trained by the recipe {request.recipe_name}: {trained.steps:,} steps of {request.recipe.rows} "
        f"pairs, {drawn.provenance}",
        agreements=tuple(
            HeadAgreement(
                name=name,
                pairs=len(pairs),
                same=int((pairs.label > 0.5).sum()),
                cosine=alone[name],
                affinity=found[name],
            )
            for name, pairs in sets.items()
        ),
    )
