"""Portraits that clients bring: in memory, for a while, as long as a call shows them, and never too many."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from server.config import Limits
from server.errors import Refusal
from server.portraits import SHIPPED, Portraits
from tests.unit.fake_clock import FakeClock

PHOTOGRAPH = next(SHIPPED.glob("*.jpg")).read_bytes()


def body(data: bytes = PHOTOGRAPH) -> Callable[[], Awaitable[bytes]]:
    async def read() -> bytes:
        return data

    return read


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make(clock: FakeClock) -> Iterator[Callable[..., Portraits]]:
    made: list[Portraits] = []

    def make_with(**limits: float) -> Portraits:
        made.append(Portraits(size=256, limits=Limits(**limits), clock=clock))  # type: ignore[arg-type]
        return made[-1]

    yield make_with
    for portraits in made:
        portraits.close()


async def _refusal(work: Awaitable[object]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await work
    return caught.value


async def test_every_shipped_one_can_be_called_with(make: Callable[..., Portraits]) -> None:
    portraits = make()
    listed = portraits.listing()
    assert len(listed) >= 4
    for entry in listed:
        assert {"id", "name", "credit", "licence", "source_url", "image"} <= entry.keys()
        assert (await portraits.get(entry["id"])).image.shape == (256, 256, 3)


async def test_an_uploaded_one_is_kept_ten_minutes(make: Callable[..., Portraits], clock: FakeClock) -> None:
    portraits = make()
    key = await portraits.add(body())
    clock.now_s = 599
    jpeg, kind = await portraits.preview(key)
    assert (jpeg[:2], kind) == (b"\xff\xd8", "image/jpeg")
    webp, kind = await portraits.preview(key, light=True)
    assert (webp[8:12], kind) == (b"WEBP", "image/webp")
    assert len(webp) < len(jpeg) / 2
    clock.now_s = 601
    refusal = await _refusal(portraits.get(key))
    assert (refusal.status, refusal.reason) == (404, "portrait_unknown")


async def test_one_that_a_call_shows_stays_and_then_waits_for_the_next_call(
    make: Callable[..., Portraits], clock: FakeClock
) -> None:
    portraits = make()
    key = await portraits.add(body())
    portraits.hold(key)
    clock.now_s = 5000
    await portraits.get(key)
    portraits.release(key)
    clock.now_s = 5599
    await portraits.get(key)
    clock.now_s = 5601
    assert (await _refusal(portraits.get(key))).status == 404


async def test_the_oldest_that_no_call_shows_makes_room(make: Callable[..., Portraits]) -> None:
    portraits = make(uploaded_portraits=2)
    first, second = await portraits.add(body()), await portraits.add(body())
    portraits.hold(first)
    third = await portraits.add(body())
    await portraits.get(first)
    await portraits.get(third)
    assert (await _refusal(portraits.get(second))).status == 404
    portraits.hold(third)
    refusal = await _refusal(portraits.add(body()))
    assert (refusal.status, refusal.reason) == (503, "busy")
    assert "Retry-After" in refusal.headers


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        (b"no picture", 422, "unreadable"),
        (PHOTOGRAPH[: len(PHOTOGRAPH) // 2], 422, "unreadable"),
        (bytes(9 * 2**20), 413, "too_large"),
    ],
)
async def test_what_cannot_be_used_is_refused_with_the_reason(
    make: Callable[..., Portraits], data: bytes, status: int, reason: str
) -> None:
    refusal = await _refusal(make().add(body(data)))
    assert (refusal.status, refusal.reason) == (status, reason)


async def test_uploads_that_do_not_come_hold_no_place_for_long(make: Callable[..., Portraits]) -> None:
    portraits = make(uploads_at_once=1, upload_s=0.2)

    async def never() -> bytes:
        await asyncio.sleep(60)
        return b""

    slow = asyncio.create_task(_refusal(portraits.add(never)))
    await asyncio.sleep(0.05)
    assert (await _refusal(portraits.add(body()))).reason == "busy"
    assert ((await slow).status, (await slow).reason) == (408, "too_slow")
    await portraits.add(body())


async def test_an_unknown_id_of_any_length_is_a_short_message(make: Callable[..., Portraits]) -> None:
    refusal = await _refusal(make().get("x" * 10_000))
    assert len(str(refusal)) < 200
