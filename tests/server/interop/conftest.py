"""Calls of other stacks are judged by whole pictures and the whole voice."""

import pytest


@pytest.fixture(autouse=True)
def whole_pictures(always_video: None) -> None:
    """For every call here."""
