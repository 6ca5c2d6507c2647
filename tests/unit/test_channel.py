"""Data-channel messages: what clients send is read with suspicion."""

import json

from hypothesis import given
from hypothesis import strategies as st

from server import channel


def test_a_ping_is_understood() -> None:
    assert channel.parse('{"type":"ping","t":12}') == {"type": "ping", "t": 12}


def test_what_is_not_known_is_passed_over() -> None:
    for message in ("", "[]", "3", "{", '{"type":"hello"}', '{"type":"ping"}', '{"type":"ping","t":"x"}', b"\x00", "x" * 5000):
        assert channel.parse(message) is None
    for t in ("NaN", "Infinity", "1e300", "true", "null", "[]"):
        assert channel.parse(f'{{"type":"ping","t":{t}}}') is None
    assert channel.parse("[" * 1000) is None


@given(st.one_of(st.text(), st.binary(), st.recursive(st.none() | st.integers(), st.lists).map(json.dumps)))
def test_nothing_makes_it_raise(message: str | bytes) -> None:
    channel.parse(message)


def test_messages_of_the_server_fit_one_datagram() -> None:
    text = channel.encode("stats", media_ms=10**9, frames=10**7, repeated=10**7, dropped=10**7, render_ms_p50=99.9)
    assert len(text.encode()) < channel.MAX_BYTES
    assert json.loads(text)["type"] == "stats"
