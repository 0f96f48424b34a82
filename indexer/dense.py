"""FAISS: nearest phrasings by similarity. The only module that imports it (Johnson et al., arXiv:1702.08734).

All vectors have unit norm, so the inner product is the cosine. Up to 20,000 phrasings every row is compared (flat);
above, rows are put into cells around k-means centroids and the nearest cells are searched (IVF). IVF rather than
HNSW, because building it gives the same index each time on any number of threads, and because a filter costs it no
recall: the fewer rows are allowed, the more cells are searched.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.errors import VersionError
from models.types import Vectors

FLAT_UP_TO = 20_000
RECALL_TARGET = 0.99
_RECALL_AT = 10
_SAMPLE = 512
_TIE = 1e-6
_SEED = 20260101


class Neighbours(NamedTuple):
    """The nearest rows of each query, (q, k), similarities descending; row -1 where there are fewer than k."""

    similarities: NDArray[np.float32]
    rows: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class IndexSpec:
    """How an index was built, and what was measured of it against exact search."""

    kind: Literal["flat", "ivf"]
    cells: int = 0
    probes: int = 0
    """Cells searched for a query without a filter."""
    recall_at_10: float = 1.0
    """Share of the ten nearest rows that are found, over a sample of the indexed rows."""

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object of the manifest."""
        return asdict(self)


class VectorIndex:
    """A built index: `search` may be called from any thread."""

    def __init__(self, index: Any, spec: IndexSpec) -> None:  # noqa: ANN401 (faiss carries no types)
        self._index = index
        self.spec = spec

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return int(self._index.d)

    @classmethod
    def build(cls, vectors: Vectors, kind: Literal["flat", "ivf"] | None = None) -> Self:
        """Build over `vectors`, (n, dim) of unit norm: row i is `vectors[i]`. The same input gives the same index."""
        kind = kind or ("flat" if len(vectors) <= FLAT_UP_TO else "ivf")
        if kind == "flat":
            index = faiss.IndexFlatIP(vectors.shape[1])
            index.add(vectors)
            return cls(index, IndexSpec(kind="flat"))
        cells = max(1, min(round(4 * len(vectors) ** 0.5), len(vectors) // 39))
        quantiser = faiss.IndexFlatIP(vectors.shape[1])
        index = faiss.IndexIVFFlat(quantiser, vectors.shape[1], cells, faiss.METRIC_INNER_PRODUCT)
        index.cp.spherical = True
        index.cp.seed = _SEED
        index.train(vectors)
        index.add(vectors)
        return cls(*_choose_probes(index, vectors, cells))

    def search(self, queries: Vectors, k: int, allowed_rows: NDArray[np.bool_] | None = None) -> Neighbours:
        """Give the k nearest rows of each query, among the rows where `allowed_rows`, (n,), is true.

        Raises ValueError where `allowed_rows` has another length than the index.
        """
        selector = None
        share = 1.0
        if allowed_rows is not None:
            if len(allowed_rows) != len(self):
                raise ValueError(f"allowed_rows has {len(allowed_rows)} places, the index {len(self)} rows")
            # The bitmap must outlive the search: the selector only points at it.
            bitmap = np.packbits(allowed_rows, bitorder="little")
            selector = faiss.IDSelectorBitmap(len(bitmap), faiss.swig_ptr(bitmap))
            share = max(float(allowed_rows.mean()), 1 / len(self))
        if self.spec.kind == "flat":
            parameters = faiss.SearchParameters(sel=selector)
        else:
            # As many allowed rows are met as without a filter; all cells, when hardly any row is allowed.
            probes = min(self.spec.cells, int(np.ceil(self.spec.probes / share)))
            parameters = faiss.SearchParametersIVF(sel=selector, nprobe=probes)
        similarities, rows = self._index.search(queries, k, params=parameters)
        return Neighbours(np.clip(similarities, -1, 1), rows)

    def to_bytes(self) -> NDArray[np.uint8]:
        """Serialise, for `dense.faiss`."""
        serialised: NDArray[np.uint8] = faiss.serialize_index(self._index)
        return serialised

    @classmethod
    def from_bytes(cls, content: bytes, spec: IndexSpec) -> Self:
        """Load what `to_bytes` gave. The caller has compared its hash: FAISS itself accepts damaged files."""
        try:
            index = faiss.deserialize_index(np.frombuffer(content, np.uint8))
        except RuntimeError as error:
            raise VersionError(f"dense.faiss: is no FAISS index: {error}") from error
        return cls(index, spec)


def _choose_probes(index: Any, vectors: Vectors, cells: int) -> tuple[Any, IndexSpec]:  # noqa: ANN401
    """Search ever more cells until the recall target is met on a sample of rows."""
    sample = np.random.default_rng(_SEED).choice(len(vectors), min(_SAMPLE, len(vectors)), replace=False)
    queries, k = vectors[np.sort(sample)], min(_RECALL_AT, len(vectors))
    exact = np.sort(queries @ vectors.T, axis=1)[:, -k]  # similarity of the k-th nearest: ties count as found
    probes = 1
    while True:
        found, _ = index.search(queries, k, params=faiss.SearchParametersIVF(nprobe=probes))
        recall = float((found >= exact[:, None] - _TIE).mean())
        if recall >= RECALL_TARGET or probes >= cells:
            return index, IndexSpec(kind="ivf", cells=cells, probes=probes, recall_at_10=recall)
        probes = min(cells, probes + max(1, probes // 4))
