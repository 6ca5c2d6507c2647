"""Pictures that are sent three times, over a real connection: as retransmissions, and not at all where there are none."""

import asyncio
import struct
from typing import Any

import pytest
from aiortc import RTCRtpSender
from aiortc.rtp import is_rtcp

from server.aiortc_adjustments import COPIES
from server.ladder import Ladder, Rung
from server.repeats import Repeats
from tests.server.caller import Caller
from tests.server.conftest import StartServer, base, core

CALL_S = 2.0


@pytest.mark.parametrize("has_rtx", [True, False])
async def test_copies_are_retransmissions_or_there_are_none(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch, has_rtx: bool
) -> None:
    def always(self: Repeats, *_: object) -> bool:
        self.on = True
        return True

    monkeypatch.setattr(Repeats, "judge", always)
    monkeypatch.setattr(Ladder, "judge", lambda *_: Rung.FULL)
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        video = next(transceiver for transceiver in caller.peer.getTransceivers() if transceiver.kind == "video")
        known = RTCRtpSender.getCapabilities("video").codecs
        video.setCodecPreferences([codec for codec in known if codec.name in ("VP8", "rtx")[: 1 + has_rtx]])
        await caller.call()
        (session,) = core(server).sessions.values()
        sender: Any = next(sender for sender in session._peer.getSenders() if sender.kind == "video")
        sent = _note_sent(sender)
        await asyncio.sleep(CALL_S)
        pictures = len(caller.pictures)
    once = [number for stream, number in sent if stream == sender._ssrc]
    again = len(sent) - len(once)
    assert pictures >= 8 * CALL_S
    assert len(set(once)) == len(once), "a number stands for one packet"
    if has_rtx:
        assert (COPIES - 0.5) * len(once) < again <= (COPIES + 0.5) * len(once)
    else:
        assert again == 0


def _note_sent(sender: Any) -> list[tuple[int, int]]:
    """Stream and number of every packet of its pictures from now on; the list grows."""
    sent: list[tuple[int, int]] = []
    send = sender.transport._send_rtp

    async def note(data: bytes) -> None:
        if not is_rtcp(data):
            number, stream = struct.unpack_from("!H4xI", data, 2)  # RFC 3550, 5.1
            if stream in (sender._ssrc, sender._rtx_ssrc):
                sent.append((stream, number))
        await send(data)

    sender.transport._send_rtp = note
    return sent
