"""Data-channel messages: what clients send is read with suspicion."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import channel

PROTOCOL = json.loads((Path(__file__).parents[1] / "fixtures" / "protocol.json").read_text())


def test_the_protocol_s_own_facts() -> None:
    assert (PROTOCOL["label"], PROTOCOL["version"], PROTOCOL["max_bytes"]) == (channel.LABEL, channel.VERSION, channel.MAX_BYTES)


@pytest.mark.parametrize("message", PROTOCOL["page_to_server"], ids=json.dumps)
def test_every_message_of_the_page_is_understood(message: dict[str, Any]) -> None:
    assert channel.parse(json.dumps(message)) == message


@pytest.mark.parametrize("message", PROTOCOL["server_to_page"], ids=json.dumps)
def test_the_server_says_every_message_as_the_page_reads_it(message: dict[str, Any]) -> None:
    values = {name: value for name, value in message.items() if name != "type"}
    assert json.loads(channel.encode(message["type"], **values)) == message


@pytest.mark.parametrize("text", PROTOCOL["passed_over_by_server"])
def test_what_is_not_known_is_passed_over(text: str) -> None:
    assert channel.parse(text) is None


def test_what_is_no_message_at_all_is_passed_over() -> None:
    for message in (b"\x00", '{"type":"ping","t":1}' + " " * 2000, "[" * 1000):
        assert channel.parse(message) is None


@given(st.one_of(st.text(), st.binary(), st.recursive(st.none() | st.integers(), st.lists).map(json.dumps)))
def test_nothing_makes_it_raise(message: str | bytes) -> None:
    channel.parse(message)


def test_messages_of_the_server_fit_one_datagram() -> None:
    text = channel.encode("stats", media_ms=10**9, frames=10**7, repeated=10**7, dropped=10**7, render_ms_p50=99.9)
    assert len(text.encode()) < channel.MAX_BYTES
    assert json.loads(text)["type"] == "stats"
