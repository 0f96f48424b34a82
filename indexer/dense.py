"""FAISS: nearest phrasings by similarity. The only module that imports it (Johnson et al., arXiv:1702.08734).

All vectors have unit norm, so the inner product is the cosine. Up to 20,000 phrasings every row is compared (flat);
above, rows are put into cells around k-means centroids and the nearest cells are searched (IVF). IVF rather than
HNSW, because building it gives the same index each time on any number of threads, and because a filter that leaves up
to 20,000 rows costs it no recall: all cells are searched, so that every allowed row is compared.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.errors import VersionError
from models.message import Message
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
    """Share of the ten nearest other rows that are found, over a sample of the indexed rows."""

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object of the manifest."""
        return asdict(self)


class VectorIndex:
    """A built index: `search` may be called from any thread."""

    def __init__(self, index: Any, spec: IndexSpec) -> None:  # noqa: ANN401 (faiss carries no types)
        if spec.kind == "ivf":
            index.make_direct_map()  # from a row to its place in the cells, as `vectors` needs it
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
            flat = faiss.IndexFlatIP(vectors.shape[1])
            flat.add(vectors)
            return cls(flat, IndexSpec(kind="flat"))
        # The rows that recall is measured on stay out of the training, as the questions to come do.
        sample = np.random.default_rng(_SEED).choice(len(vectors), min(_SAMPLE, len(vectors) // 10), replace=False)
        training = np.delete(vectors, sample, axis=0)
        cells = max(1, min(round(4 * len(vectors) ** 0.5), len(training) // 39))
        quantiser = faiss.IndexFlatIP(vectors.shape[1])
        index = faiss.IndexIVFFlat(quantiser, vectors.shape[1], cells, faiss.METRIC_INNER_PRODUCT)
        index.cp.spherical = True
        index.cp.seed = _SEED
        index.train(training)
        index.add(vectors)
        return cls(*_choose_probes(index, vectors, vectors[np.sort(sample)]))

    def search(self, queries: Vectors, k: int, allowed_rows: NDArray[np.bool_] | None = None) -> Neighbours:
        """Give the k nearest rows of each query, among the rows where `allowed_rows`, (n,), is true.

        Raises ValueError where `allowed_rows` has another length than the index.
        """
        parameters = faiss.SearchParameters() if self.spec.kind == "flat" else faiss.SearchParametersIVF()
        if isinstance(parameters, faiss.SearchParametersIVF):
            parameters.nprobe = self._count_probes(allowed_rows)
        if allowed_rows is not None:
            if len(allowed_rows) != len(self):
                raise ValueError(f"allowed_rows has {len(allowed_rows)} places, the index {len(self)} rows")
            # Both must outlive the search: the parameters point at the selector, the selector at the bitmap.
            bitmap = np.packbits(allowed_rows, bitorder="little")
            selector = faiss.IDSelectorBitmap(len(bitmap), faiss.swig_ptr(bitmap))
            parameters.sel = selector
        similarities, rows = self._index.search(queries, k, params=parameters)
        return Neighbours(np.clip(similarities, -1, 1), rows)

    def vectors(self, rows: NDArray[np.int64]) -> Vectors:
        """Give the vectors of some rows, (len(rows), dim), to the bit: either kind of index keeps them as they are."""
        found: Vectors = self._index.reconstruct_batch(rows)
        return found

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
            raise VersionError(
                Message("{file}: is no FAISS index: {reason}", file="dense.faiss", reason=error)
            ) from error
        return cls(index, spec)

    def _count_probes(self, allowed_rows: NDArray[np.bool_] | None) -> int:
        """As many allowed rows are met as without a filter; what is allowed may lie far from the query's cells."""
        allowed = len(self) if allowed_rows is None else int(np.count_nonzero(allowed_rows))
        if allowed_rows is not None and allowed <= FLAT_UP_TO:
            return self.spec.cells
        return min(self.spec.cells, -(-self.spec.probes * len(self) // allowed))


def _choose_probes(index: faiss.IndexIVFFlat, vectors: Vectors, queries: Vectors) -> tuple[Any, IndexSpec]:
    """Search ever more cells until the recall target is met on `queries`, which are rows of the index."""
    # One more than is counted: each row finds itself, which a question that is not in the index does not.
    k = min(_RECALL_AT + 1, len(vectors))
    exact, _ = faiss.knn(queries, vectors, k, faiss.METRIC_INNER_PRODUCT)
    least = exact[:, -1:] - _TIE  # similarity of the k-th nearest: ties count as found
    probes = 1
    while True:
        parameters = faiss.SearchParametersIVF()
        parameters.nprobe = probes
        found, _ = index.search(queries, k, params=parameters)
        recall = float((found[:, 1:] >= least).mean())
        if recall >= RECALL_TARGET or probes >= index.nlist:
            return index, IndexSpec(kind="ivf", cells=index.nlist, probes=probes, recall_at_10=recall)
        probes = min(index.nlist, probes + max(1, probes // 4))
