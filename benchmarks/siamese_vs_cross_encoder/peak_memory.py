"""The memory that a form takes in a process of its own, which holds nothing else."""

import json
import os
import sys
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.child_process import run_measured
from benchmarks.process_memory import read_memory
from benchmarks.siamese_vs_cross_encoder.candidate_list import CandidateList
from benchmarks.siamese_vs_cross_encoder.forms import FormName, ModelFiles, open_form
from benchmarks.siamese_vs_cross_encoder.ways import CROSS_ENCODER, SIMILARITY, LiveComparison

WAYS: Final = (SIMILARITY, CROSS_ENCODER)
"""In this order: the second needs all that the first one does. The others need what one of them does."""


def measure_peak_memory(
    form: FormName, files: ModelFiles, candidates: CandidateList, scratch: Path
) -> dict[str, float]:
    """Give the highest resident memory, in MB, of a process that puts candidates in order, by the name of the way."""
    job = {"form": form, "files": files.to_json(), "query": candidates.query, "texts": candidates.texts}
    file = scratch / "peak_memory.json"
    file.write_text(json.dumps(job), encoding="utf-8")
    found: dict[str, float] = json.loads(run_measured([sys.executable, "-m", __name__, str(file)], scratch).output)
    return found


def run_job(file: Path) -> dict[str, float]:
    """Do what `measure_peak_memory` asks for, in this process; the candidates' vectors lie there already."""
    job = json.loads(file.read_bytes())
    form = open_form(job["form"], ModelFiles.from_json(job["files"]))
    dim = form.encode([job["query"]]).shape[1]
    vectors = np.full((len(job["texts"]), dim), dim**-0.5, np.float32)
    peaks = {}
    for way in WAYS:
        way.order(LiveComparison(form, job["query"], tuple(job["texts"]), vectors))
        memory = read_memory(os.getpid())
        assert memory is not None  # of this process, which lives
        peaks[way.name] = memory.peak_mb
    return peaks


if __name__ == "__main__":
    print(json.dumps(run_job(Path(sys.argv[1]))))
