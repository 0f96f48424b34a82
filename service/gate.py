"""The door to the worker threads: a bounded first-come queue whose permits are taken before anything waits."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from service.errors import DeadlineExceeded, NotReady, QueueFull

P = ParamSpec("P")
T = TypeVar("T")

_CLOSING = "the service is shutting down"


class Gate:
    """`threads` jobs run side by side, `queue` more may wait; a further one is refused at once."""

    def __init__(self, *, threads: int, queue: int, deadline_ms: float) -> None:
        self._permits = threads + queue
        self._deadline_ms = deadline_ms
        self._workers = ThreadPoolExecutor(threads, thread_name_prefix="match")
        self._lock = threading.Lock()
        self._taken = 0
        self._running = 0
        self._open = True

    @property
    def running(self) -> int:
        """Jobs that a worker is on."""
        return self._running

    @property
    def waiting(self) -> int:
        """Jobs that hold a permit and no worker yet."""
        with self._lock:
            return self._taken - self._running

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` on a worker, in the order of arrival; the permit is taken before the first await.

        A cancelled caller frees its permit at once while its job waits; a job that runs keeps it to its end.
        Raises QueueFull, DeadlineExceeded when no worker took the job in time, NotReady after `close`.
        """
        job = self._admit(lambda: function(*args, **kwargs))
        answer = asyncio.wrap_future(job)
        try:
            await asyncio.wait((answer,), timeout=self._deadline_ms / 1000)
        except asyncio.CancelledError:
            job.cancel()
            raise
        if not answer.done() and job.cancel():  # a job that runs cannot be cancelled, and is waited for
            raise DeadlineExceeded(f"no worker was free within {self._deadline_ms:g} ms; try again when it is quieter")
        if answer.cancelled():
            raise NotReady(_CLOSING)
        return await answer

    def close(self) -> None:
        """Take no more jobs, drop those that wait, and let those that run finish."""
        self._open = False
        self._workers.shutdown(wait=True, cancel_futures=True)

    def _admit(self, work: Callable[[], T]) -> Future[T]:
        if not self._open:
            raise NotReady(_CLOSING)
        with self._lock:
            if self._taken >= self._permits:
                raise QueueFull(f"all {self._permits} places are taken; try again in a second")
            self._taken += 1
        job = self._workers.submit(self._counted, work)
        # Before the caller's own callback: whoever has an answer in hand finds its permit free again.
        job.add_done_callback(self._release)
        return job

    def _counted(self, work: Callable[[], T]) -> T:
        with self._lock:
            self._running += 1
        try:
            return work()
        finally:
            with self._lock:
                self._running -= 1

    def _release(self, _job: Future[T]) -> None:
        with self._lock:
            self._taken -= 1
