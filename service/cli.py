"""The one console script, `faqmatch`. Commands import what they run, so that `faqmatch --help` is instant."""

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from models.message import Message, printable
from service.help_texts import translate_help
from service.language import Language, choose_language, speak, translate
from service.usage_errors import explain

app = typer.Typer(
    name="faqmatch",
    help="Match a user's question to the FAQ entry that means the same.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
model_app = typer.Typer(help="Model directories: list, show, check, make.", no_args_is_help=True)
app.add_typer(model_app, name="model")
train_app = typer.Typer(help="Train models by a recipe (needs the extra train).", no_args_is_help=True)
app.add_typer(train_app, name="train")

# `readable=False` everywhere: the one line of those who read is better than the parser's.
HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Data folder [default: FAQMATCH_HOME, else ~/.faqmatch].", readable=False),
]
KbOption = Annotated[str, typer.Option("--kb", help="Knowledge base: 1 to 64 of a-z, 0-9, _ and -.")]
HostOption = Annotated[str | None, typer.Option(help="Address to listen on [default: 127.0.0.1].")]
PortOption = Annotated[int | None, typer.Option(help="Port to listen on [default: 8080].")]
ThreadsOption = Annotated[int | None, typer.Option(help="Texts encoded side by side [default: the cores there are].")]

RerankerOption = Annotated[
    str | None,
    typer.Option(help="Shipped reranker or its folder; none: without [default: the shipped one, if any]."),
]


def main() -> None:
    """Run the console script: a user's mistake is one line on standard error, and exit code 1, or 2 for usage."""
    from indexer.errors import IndexerError
    from models.errors import ModelError
    from service.errors import ServiceError

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error does: a file's name may be no text
    try:
        speak(choose_language(os.environ))
        command = typer.main.get_command(app)
        translate_help(command)
        code = command.main(prog_name="faqmatch", standalone_mode=False)
    except typer.TyperException as error:
        if message := explain(error):
            _complain(message)
        else:
            print(error.format_message(), end="", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except typer.Abort:
        print(translate(Message("Aborted.")), file=sys.stderr)
        raise SystemExit(1) from None
    except (IndexerError, ModelError, ServiceError) as error:
        _complain(error)
        raise SystemExit(1) from None
    except OSError as error:  # of a file that was only to be read, such as a model that belongs to somebody else
        place, reason = error.filename or Message("the system"), error.strerror or error
        _complain(Message("{place}: {reason}", place=place, reason=reason))
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    raise SystemExit(code)


def _complain(mistake: Message | Exception) -> None:
    print(f"faqmatch: {printable(translate(mistake))}", file=sys.stderr)


@app.command()
def demo(
    home: HomeOption = None, host: HostOption = None, port: PortOption = None, threads: ThreadsOption = None
) -> None:
    """Index the bundled FAQ and serve it."""
    from service.commands.serve import run_demo

    run_demo(_settings(home=home, host=host, port=port, threads=threads))


@app.command()
def index(
    file: Annotated[Path, typer.Argument(help="FAQ file: .xlsx, .csv, .tsv or .jsonl.", readable=False)],
    kb: KbOption,
    home: HomeOption = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Shipped model or model folder; remembered in kb.json [default: by the language of the FAQ]."
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN", help="Take a field from this column; may be repeated."),
    ] = None,
    sheets: Annotated[
        list[str] | None,
        typer.Option("--sheet", help="Read this sheet of a workbook; may be repeated [default: all not hidden]."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only read the file and say what is wrong.")] = False,
    allow_empty_answer: Annotated[
        bool, typer.Option(help="Take entries without an answer: only the id counts.")
    ] = False,
    allow_conflicts: Annotated[bool, typer.Option(help="Keep a question that stands twice with two answers.")] = False,
    skip_rejected: Annotated[
        bool, typer.Option("--skip-rejected", help="Leave rejected rows out, instead of refusing the whole file.")
    ] = False,
    errors: Annotated[
        Path | None,
        typer.Option(help="Write all rows with what is wrong into this .xlsx or .csv file.", readable=False),
    ] = None,
    all_notices: Annotated[bool, typer.Option(help="Print every notice.")] = False,
    threads: ThreadsOption = None,
) -> None:
    """Build a version of a knowledge base from a file and make it current: all of it, or nothing."""
    from indexer.home import Home
    from service.commands.faq_file import FileOptions, choose_columns, read_file
    from service.commands.index import IndexOptions
    from service.commands.index import index as run_index

    settings = _settings(home=home, threads=threads)
    Home(settings.home).knowledge_base(kb)
    options = FileOptions(
        columns=choose_columns(columns or ()),
        sheets=sheets or (),
        allow_empty_answer=allow_empty_answer,
        allow_conflicts=allow_conflicts,
        skip_rejected=skip_rejected,
        errors=errors,
        all_notices=all_notices,
    )
    reading = read_file(file, options)
    if not check:
        choices = IndexOptions(
            model=model, encoder=settings.encoder, threads=settings.threads, most_shown=options.most_shown
        )
        run_index(Home(settings.home), kb, reading, choices)


@app.command()
def template(
    file: Annotated[Path, typer.Argument(help="File to write: .xlsx or .csv.", readable=False)],
    language: Annotated[
        Language | None,
        typer.Option(help="Language of the column names and the help [default: that of the command line]."),
    ] = None,
) -> None:
    """Write an empty FAQ sheet to fill in: a header, an example row, and what belongs into each column."""
    from service.commands.template import template as run_template

    run_template(file, language or choose_language(os.environ))


@app.command()
def serve(
    home: HomeOption = None,
    host: HostOption = None,
    port: PortOption = None,
    threads: ThreadsOption = None,
    reranker: RerankerOption = None,
    queue: Annotated[int | None, typer.Option(help="Requests that may wait [default: 64].")] = None,
    deadline_ms: Annotated[int | None, typer.Option(help="Longest wait, in ms [default: 2000].")] = None,
    body_limit: Annotated[int | None, typer.Option(help="Largest request body, in bytes [default: 1 MiB].")] = None,
    api_keys: Annotated[
        str | None, typer.Option(help="SCOPES[@KB]:SECRET,... Better in FAQMATCH_API_KEYS, where ps does not show it.")
    ] = None,
    cors_origins: Annotated[str | None, typer.Option(help="Web origins that may call, comma separated.")] = None,
    log_questions: Annotated[bool | None, typer.Option(help="Write questions into the log [default: no].")] = None,
    keep_alive: Annotated[int | None, typer.Option(help="Seconds an idle connection stays [default: 75].")] = None,
    shutdown_grace: Annotated[int | None, typer.Option(help="Seconds to finish requests [default: 30].")] = None,
) -> None:
    """Serve the knowledge bases of a data folder. Each option is also FAQMATCH_<NAME> and a key of faqmatch.toml."""
    given = dict(locals())
    from service.commands.serve import run_service

    run_service(_settings(**given))


def _check_question(question: str) -> str:
    if not question.strip():
        raise typer.BadParameter(Message("it is blank"))
    if not question.isascii() and any("\ud800" <= character <= "\udfff" for character in question):
        raise typer.BadParameter(Message("it is no UTF-8"))
    return question


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question.", callback=_check_question)],
    kb: KbOption,
    home: HomeOption = None,
    top: Annotated[int, typer.Option(min=1, max=100, help="Candidates shown.")] = 5,
    tag: Annotated[list[str] | None, typer.Option(help="Only entries with this tag; may be repeated.")] = None,
    rerank: Annotated[
        Literal["auto", "on", "off"],
        typer.Option(help="Whether the reranker judges the first 10 candidates; auto is off today."),
    ] = "auto",
    reranker: RerankerOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Match one question in this process, every stage explained."""
    from indexer.home import Home
    from service.commands.ask import ask as run_ask
    from service.matching import MatchOptions

    settings = _settings(home=home, reranker=reranker)
    options = MatchOptions(top=top, tags=tuple(tag or ()), rerank=rerank, explain=True)
    run_ask(Home(settings.home), kb, question, options, reranker=settings.reranker, as_json=as_json)


@app.command()
def versions(kb: KbOption, home: HomeOption = None) -> None:
    """List the versions of a knowledge base."""
    from indexer.home import Home
    from service.commands.versions import show_versions

    show_versions(Home(_settings(home=home).home), kb)


@app.command()
def rollback(
    kb: KbOption,
    to: Annotated[str | None, typer.Option(help="Version [default: the one before the current].")] = None,
    home: HomeOption = None,
) -> None:
    """Make an earlier version current."""
    from indexer.home import Home
    from service.commands.versions import rollback as run_rollback

    run_rollback(Home(_settings(home=home).home), kb, to)


@app.command()
def verify(
    kb: Annotated[str | None, typer.Option(help="Knowledge base [default: all].")] = None, home: HomeOption = None
) -> None:
    """Compare every version and model with its hashes."""
    from indexer.home import Home
    from service.commands.versions import verify as run_verify

    run_verify(Home(_settings(home=home).home), kb)


@app.command()
def doctor(
    home: HomeOption = None,
    host: HostOption = None,
    port: PortOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check the machine, the settings and the data folder: a line each, exit code 1 where one fails."""
    from service.commands.doctor import doctor as run_doctor

    if not run_doctor({"home": home, "host": host, "port": port}, as_json=as_json):
        raise typer.Exit(1)


@model_app.command("list")
def model_list(home: HomeOption = None) -> None:
    """List the shipped models and those in the data folder."""
    from indexer.home import Home
    from service.commands.models import list_models

    list_models(Home(_settings(home=home).home))


@model_app.command("show")
def model_show(model: Annotated[str, typer.Argument(help="Shipped model or model folder.")]) -> None:
    """Print the card of a model."""
    from service.commands.models import show_model

    show_model(model)


@model_app.command("check")
def model_check(model: Annotated[str, typer.Argument(help="Shipped model or model folder.")]) -> None:
    """Verify the files of a model and encode with it."""
    from service.commands.models import check_model

    check_model(model)


@model_app.command("evaluate")
def model_evaluate(
    model: Annotated[str, typer.Argument(help="Shipped model or model folder.")],
    pairs: Annotated[
        Path | None,
        typer.Option(help="File of labelled pairs (.tsv): text_a, text_b, label, with a header.", readable=False),
    ] = None,
    queries: Annotated[
        Path | None, typer.Option(help="Folder with faq.jsonl and queries.jsonl.", readable=False)
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Of a reranker: shipped model or model folder whose first 10 candidates it reranks "
            "[default: the shipped encoder]."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    threads: ThreadsOption = None,
) -> None:
    """Measure an encoder or a reranker on labelled pairs, on labelled queries, or on both."""
    from models.directory import DEFAULT_MODEL, find_model, is_reranker
    from service.commands.evaluate_model import evaluate_model
    from service.commands.evaluate_reranker import evaluate_reranker

    side_by_side = _settings(threads=threads).threads
    if is_reranker(find_model(model)):
        evaluate_reranker(model, pairs, queries, encoder or DEFAULT_MODEL, side_by_side, as_json=as_json)
    elif encoder:
        raise typer.BadParameter(Message("{model} is an encoder itself: --encoder is for rerankers", model=model))
    else:
        evaluate_model(model, pairs, queries, side_by_side, as_json=as_json)


@model_app.command("base")
def model_base(
    out: Annotated[Path, typer.Argument(help="Folder to write.", readable=False)],
    languages: Annotated[str, typer.Option(help='"zh,en", or "all" for the whole vocabulary.')] = "zh,en",
) -> None:
    """Write the pretrained multilingual-e5-small as a folder of the transformers library (needs the extra train)."""
    from service.commands.models import require_training_extra
    from service.commands.terminal import say

    require_training_extra()
    from models.training.pretrained_trunk import write_pretrained_trunk

    say(Message("{folder}: {pieces:,} pieces", folder=out, pieces=write_pretrained_trunk(out, languages)))


@model_app.command("convert")
def model_convert(
    checkpoint: Annotated[
        Path, typer.Argument(help="Folder of a BERT encoder, saved by the transformers library.", readable=False)
    ],
    out: Annotated[Path, typer.Argument(help="Model folder to write.", readable=False)],
    name: Annotated[str | None, typer.Option(help="Name of the model [default: that of the folder].")] = None,
    languages: Annotated[str, typer.Option(help="Languages it knows, comma separated.")] = "zh,en",
    max_tokens: Annotated[int, typer.Option(min=8, max=512, help="Longer texts are cut.")] = 256,
    development: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder with faq.jsonl and queries.jsonl; may be repeated [default: the bundled FAQ].", readable=False
        ),
    ] = None,
    threads: ThreadsOption = None,
) -> None:
    """Turn a checkpoint into a model folder: int8, measured against fp32, confidence fitted (needs the extra train)."""
    from service.commands.models import DEMO_FAQ, require_training_extra
    from service.commands.terminal import say

    require_training_extra()
    from models.conversion import ConversionOptions, convert_checkpoint
    from models.evaluation import hold_out_one_text, read_retrieval_set

    sets = [read_retrieval_set(folder) for folder in development or ()] or [hold_out_one_text(DEMO_FAQ)]
    options = ConversionOptions(name=name or out.name, languages=tuple(languages.split(",")), max_tokens=max_tokens)
    spec = convert_checkpoint(checkpoint, out, options, sets, _settings(threads=threads).threads, on_progress=say)
    say(Message("{folder}: {model}, see card.md there for what was measured", folder=out, model=spec.label))


RecipeOption = Annotated[str, typer.Option(help="Recipe: a TOML file, or the name of a shipped one, such as own-faq.")]
DataOption = Annotated[Path, typer.Option(help="Folder of the files that the recipe names.", readable=False)]
TrainingOption = Annotated[
    Path, typer.Option("--out", help="Folder to write; a second start goes on there.", readable=False)
]
BaseOption = Annotated[
    Path | None,
    typer.Option(help="Checkpoint folder of a BERT encoder [default: the pretrained trunk].", readable=False),
]
MaxHoursOption = Annotated[
    float | None, typer.Option(min=0, help="Stop after the first steps where it would take longer.")
]
ModelNameOption = Annotated[str | None, typer.Option(help="Name of the model [default: that of the recipe].")]
LanguagesOption = Annotated[str, typer.Option(help="Languages it knows, comma separated.")]


@train_app.command("siamese")
def train_siamese(
    recipe: RecipeOption,
    data: DataOption,
    out: TrainingOption,
    base: BaseOption = None,
    max_hours: MaxHoursOption = None,
    name: ModelNameOption = None,
    languages: LanguagesOption = "zh,en",
    development: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder with faq.jsonl and queries.jsonl; may be repeated [default: the bundled FAQ].", readable=False
        ),
    ] = None,
) -> None:
    """Train a question encoder by a recipe and make it a model folder; a training that was stopped goes on."""
    given = dict(locals())
    from service.commands.models import require_training_extra

    require_training_extra("sentence_transformers", "datasets", "accelerate")
    from service.commands.train import SiameseOptions, train_siamese_model

    threads = _settings().threads
    given |= {"languages": tuple(languages.split(",")), "development": development or (), "threads": threads}
    train_siamese_model(SiameseOptions(**given))


@train_app.command("cross-encoder")
def train_cross_encoder(
    recipe: RecipeOption,
    data: DataOption,
    out: TrainingOption,
    encoder: Annotated[
        str | None,
        typer.Option(help="Shipped model or model folder that finds hard negatives [default: that of the recipe]."),
    ] = None,
    base: BaseOption = None,
    max_hours: MaxHoursOption = None,
    name: ModelNameOption = None,
    languages: LanguagesOption = "zh,en",
) -> None:
    """Train a reranker by a recipe and make it a model folder; a training that was stopped goes on."""
    given = dict(locals())
    from service.commands.models import require_training_extra

    require_training_extra("sentence_transformers", "datasets", "accelerate")
    from service.commands.train_cross_encoder import CrossEncoderOptions, train_reranker_model

    given |= {"languages": tuple(languages.split(",")), "threads": _settings().threads}
    train_reranker_model(CrossEncoderOptions(**given))


@train_app.command("interaction")
def train_interaction(
    recipe: RecipeOption,
    data: DataOption,
    out: Annotated[Path, typer.Option(help="Folder to write.", readable=False)],
    encoder: Annotated[
        str | None,
        typer.Option(help="Shipped model or model folder whose vectors it reads [default: that of the recipe]."),
    ] = None,
) -> None:
    """Train an interaction head for an encoder by a recipe and put it into a copy of the encoder's model folder."""
    given = dict(locals())
    from service.commands.models import require_training_extra

    require_training_extra()
    from service.commands.train_interaction import InteractionOptions, train_interaction_head

    train_interaction_head(InteractionOptions(**given, threads=_settings().threads))


def _settings(**given: Any) -> Any:  # noqa: ANN401 (Settings, imported late)
    from service.settings import load_settings

    return load_settings(**given)


if __name__ == "__main__":
    main()
