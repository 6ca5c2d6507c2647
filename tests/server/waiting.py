"""Waiting for what a call does, however busy the machine."""

import asyncio
from collections.abc import Callable

PATIENCE_S = 60.0


async def until(holds: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Returns once it holds.

    Raises TimeoutError.
    """
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
