import asyncio

import pytest

from service.disconnect import unless_disconnected
from service.errors import ClientGone, QueueFull


async def stays() -> dict:
    await asyncio.Event().wait()
    raise AssertionError("never")


def test_work_for_a_client_that_stays_is_given_back():
    async def work() -> int:
        return 7

    assert asyncio.run(unless_disconnected(stays, work())) == 7


def test_what_the_work_raises_is_raised():
    async def work() -> int:
        raise QueueFull("full")

    with pytest.raises(QueueFull):
        asyncio.run(unless_disconnected(stays, work()))


def test_work_for_a_client_that_hangs_up_is_cancelled():
    cancelled = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    messages = iter([{"type": "http.request", "body": b""}, {"type": "http.disconnect"}])

    async def hangs_up() -> dict:
        await asyncio.sleep(0.01)
        return next(messages)

    async def main() -> None:
        with pytest.raises(ClientGone):
            await unless_disconnected(hangs_up, work())
        await asyncio.sleep(0)
        assert cancelled == [True]

    asyncio.run(main())
