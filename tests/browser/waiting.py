"""Waiting for what only a promise tells: Playwright's own `wait_for_function` takes a promise itself for a yes."""

import time
from collections.abc import Callable

from playwright.sync_api import Page

LOOK_MS = 250


def wait_until(page: Page, holds: Callable[[], bool], limit_ms: float) -> None:
    """Looks again and again, while the page goes on. Raises AssertionError after the limit."""
    end_s = time.monotonic() + limit_ms / 1000
    while not holds():
        assert time.monotonic() < end_s, f"not within {limit_ms / 1000:g} s"
        page.wait_for_timeout(LOOK_MS)
