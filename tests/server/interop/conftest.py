"""Calls of other stacks are judged by whole pictures and the whole voice: the ladder's choice for a busy machine has no say."""

import pytest

from server.ladder import Ladder, Rung


@pytest.fixture(autouse=True)
def whole_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ladder, "judge", lambda *_: Rung.FULL)
