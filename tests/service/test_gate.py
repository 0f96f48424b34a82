import asyncio
import threading

import pytest

from service.errors import DeadlineExceeded, NotReady, QueueFull
from service.gate import Gate

PATIENCE_S = 10


@pytest.fixture
def blocker():
    event = threading.Event()
    yield event
    event.set()


def gate_of(threads: int, queue: int, deadline_ms: float = 60_000) -> Gate:
    return Gate(threads=threads, queue=queue, deadline_ms=deadline_ms)


async def until(holds) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.005)


def run(main) -> None:
    asyncio.run(asyncio.wait_for(main(), PATIENCE_S))


def test_a_job_brings_back_what_it_gives_or_raises():
    async def main():
        gate = gate_of(1, 0)
        assert await gate.run(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await gate.run(divmod, 7, 0)
        assert await gate.run(divmod, 7, 2) == (3, 1)
        assert gate.waiting == gate.running == 0
        gate.close()

    run(main)


def test_a_job_beyond_threads_and_queue_is_refused_at_once(blocker):
    async def main():
        gate = gate_of(2, 3)
        jobs = [asyncio.create_task(gate.run(blocker.wait)) for _ in range(5)]
        await until(lambda: (gate.running, gate.waiting) == (2, 3))
        with pytest.raises(QueueFull, match="all 5 places"):
            await gate.run(blocker.wait)
        blocker.set()
        assert await asyncio.gather(*jobs) == [True] * 5
        assert await gate.run(int) == 0
        gate.close()

    run(main)


def test_a_queue_of_none_still_lets_each_thread_work(blocker):
    async def main():
        gate = gate_of(1, 0)
        job = asyncio.create_task(gate.run(blocker.wait))
        await until(lambda: gate.running == 1)
        with pytest.raises(QueueFull):
            await gate.run(int)
        blocker.set()
        await job
        gate.close()

    run(main)


def test_jobs_are_worked_on_in_the_order_of_arrival(blocker):
    async def main():
        gate, order = gate_of(1, 20), []
        first = asyncio.create_task(gate.run(blocker.wait))
        await until(lambda: gate.running == 1)
        jobs = [asyncio.create_task(gate.run(order.append, number)) for number in range(20)]
        await until(lambda: gate.waiting == 20)
        blocker.set()
        await asyncio.gather(first, *jobs)
        assert order == list(range(20))
        gate.close()

    run(main)


def test_a_job_that_no_worker_took_in_time_is_refused_and_never_runs(blocker):
    async def main():
        gate, ran = gate_of(1, 1, deadline_ms=50), []
        busy = asyncio.create_task(gate.run(blocker.wait))
        await until(lambda: gate.running == 1)
        with pytest.raises(DeadlineExceeded, match="within 50 ms"):
            await gate.run(ran.append, 1)
        assert gate.waiting == 0
        assert not busy.done()
        blocker.set()
        assert await busy is True
        await gate.run(int)
        assert ran == []
        gate.close()

    run(main)


def test_the_deadline_does_not_cut_a_job_that_runs(blocker):
    async def main():
        gate = gate_of(1, 0, deadline_ms=20)
        job = asyncio.create_task(gate.run(blocker.wait))
        await asyncio.sleep(0.1)
        assert not job.done()
        blocker.set()
        assert await job is True
        gate.close()

    run(main)


def test_a_cancelled_caller_frees_its_place_at_once_and_its_job_never_runs(blocker):
    async def main():
        gate, ran = gate_of(1, 1), []
        busy = asyncio.create_task(gate.run(blocker.wait))
        await until(lambda: gate.running == 1)
        waiting = asyncio.create_task(gate.run(ran.append, 1))
        await until(lambda: gate.waiting == 1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert gate.waiting == 0
        another = asyncio.create_task(gate.run(ran.append, 2))
        blocker.set()
        await asyncio.gather(busy, another)
        assert ran == [2]
        gate.close()

    run(main)


def test_a_running_job_keeps_its_place_when_its_caller_is_cancelled(blocker):
    async def main():
        gate = gate_of(1, 0)
        busy = asyncio.create_task(gate.run(blocker.wait))
        await until(lambda: gate.running == 1)
        busy.cancel()
        with pytest.raises(asyncio.CancelledError):
            await busy
        with pytest.raises(QueueFull):
            await gate.run(int)
        blocker.set()
        await until(lambda: gate.running == 0)
        await until(lambda: gate.waiting == 0)
        assert await gate.run(int) == 0
        gate.close()

    run(main)


def test_closing_lets_the_running_finish_and_refuses_the_rest(blocker):
    async def main():
        gate = gate_of(1, 1)
        running = asyncio.create_task(gate.run(blocker.wait))
        await until(lambda: gate.running == 1)
        waiting = asyncio.create_task(gate.run(int))
        await until(lambda: gate.waiting == 1)
        closing = asyncio.create_task(asyncio.to_thread(gate.close))
        with pytest.raises(NotReady):
            await waiting
        with pytest.raises(NotReady):
            await gate.run(int)
        assert not closing.done()
        blocker.set()
        assert await running is True
        await closing

    run(main)


def test_no_permit_is_lost_under_load():
    async def main():
        gate = gate_of(2, 10)

        async def ask(number: int) -> str:
            try:
                return "done" if await gate.run(lambda: number) == number else "wrong"
            except QueueFull:
                return "refused"

        for _ in range(20):
            outcomes = await asyncio.gather(*(ask(number) for number in range(30)))
            assert set(outcomes) <= {"done", "refused"}
            assert outcomes.count("done") >= 12
        assert gate.waiting == gate.running == 0
        gate.close()

    run(main)
