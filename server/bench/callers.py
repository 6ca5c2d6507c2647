"""Many callers in a process of their own, so that their processor time is not the server's.

    python -m server.bench.callers URL SPEECH      reads commands, one a line, and answers each with a line of JSON

`call N`: from now on N calls go on; `room N`: N people meet in a room, and each watches all the others; `measure SECONDS`: what
they saw in that time; `churn SECONDS`: meanwhile one a second leaves, every other one without a word, and another comes; the end
of the input ends it.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import numpy as np
import uvloop

from realtime.model_spec import FRAME_MS
from server import aiortc_adjustments
from server.bench import material
from server.bench.light_caller import LightCaller, RefusedError, encode_speech
from server.bench.record import Figures
from server.bench.serving import on_cores
from server.voices import FAST, LEAD_MS

PACKET_MS = 20
STRAGGLERS_S = 0.5  # what is still on its way at the end of a measurement
TICK_S = 0.01
CHURN_S = 1.0
APART = 137  # packets by which callers are apart in the speech


class Callers:
    """The process, from `with` to the end of the block. Its methods wait for the answer."""

    def __init__(self, url: str, speech: Path, cores: Sequence[int]) -> None:
        command = [sys.executable, "-m", "server.bench.callers", url, str(speech)]
        self._command = on_cores(cores, command)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.communicate()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()

    def call(self, count: int) -> str | None:
        """From now on `count` calls go on. None, or why a new one was refused."""
        refusal: str | None = self._ask(f"call {count}")["refused"]
        return refusal

    def meet(self, people: int) -> str | None:
        """So many meet in a new room, and each watches all the others. None, or why one was refused."""
        refusal: str | None = self._ask(f"room {people}")["refused"]
        return refusal

    def measure(self, seconds: float) -> Figures:
        """What they saw in the next seconds, every call's frames together; and what the process itself used."""
        return self._ask(f"measure {seconds}")

    def churn(self, seconds: float) -> Figures:
        """Callers come and go for so long: how many were lost, replaced and refused, and what those who stayed saw."""
        return self._ask(f"churn {seconds}")

    def kill(self) -> None:
        """Ends all callers at once, without a word."""
        self._process.kill()
        self._process.wait()

    def _ask(self, line: str) -> Figures:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer: Figures = json.loads(self._process.stdout.readline())
        return answer


@dataclass(kw_only=True)
class Crowd:
    """The process's own side: the callers that there are."""

    url: str
    http: aiohttp.ClientSession
    portrait: str
    speech: Sequence[bytes]
    callers: list[LightCaller] = field(default_factory=list)
    _came: int = 0

    async def grow(self, count: int) -> str | None:
        """Until there are so many; why one was refused."""
        while len(self.callers) < count:
            if (refusal := await self._add()) is not None:
                return refusal
        return None

    async def meet(self, people: int) -> str | None:
        """So many in a new room, and a connection from each to each of the others; why one was refused."""
        async with self.http.post(f"{self.url}/api/rooms") as answer:
            if answer.status != 201:
                return await answer.text()
            room = (await answer.json())["id"]
        for _ in range(people):
            if (refusal := await self._add(room=room)) is not None:
                return refusal
        members = [await caller.own_id() for caller in self.callers]
        for viewer in members:
            for watched in members:
                if watched != viewer and (refusal := await self._add(room=room, watches=watched)) is not None:
                    return refusal
        return None

    async def _add(self, room: str = "", watches: str = "") -> str | None:
        caller = LightCaller(
            url=self.url,
            http=self.http,
            portrait=self.portrait,
            speech=self.speech,
            offset=APART * self._came,
            room=room,
            watches=watches,
        )
        try:
            self.callers.append(await caller.__aenter__())
        except (RefusedError, TimeoutError) as error:
            return str(error) or "it does not connect"
        self._came += 1
        return None

    async def leave(self, caller: LightCaller, *, silently: bool) -> None:
        self.callers.remove(caller)
        if silently:
            caller.vanish()
            await caller.peer.close()
        else:
            await caller.__aexit__(None, None, None)

    async def churn(self, seconds: float) -> dict[str, Any]:
        """The younger half comes and goes, the older stays."""
        stay, count = max(1, len(self.callers) // 2), len(self.callers)
        steady, tally = self.callers[:stay], {"left": 0, "vanished": 0, "refused": 0}
        from_s = time.time()
        while time.time() < from_s + seconds:
            if len(self.callers) > stay:
                silently = (tally["left"] + tally["vanished"]) % 2 == 1
                await self.leave(self.callers[stay], silently=silently)
                tally["vanished" if silently else "left"] += 1
            await asyncio.sleep(CHURN_S)
            tally["refused"] += await self.grow(count) is not None
        return {**tally, **_seen(steady, from_s, time.time() - STRAGGLERS_S)}

    async def go(self) -> None:
        for caller in list(self.callers):
            await self.leave(caller, silently=False)


async def _obey(url: str, speech: Path) -> None:
    """Commands from the standard input until it ends."""
    key, _ = material.first_portrait(256)
    packets = encode_speech(material.read_speech(speech))
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession() as http:
        crowd = Crowd(url=url, http=http, portrait=key, speech=packets)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            word, _, number = line.partition(" ")
            if word == "measure":
                answer = await _measure(crowd.callers, float(number))
            elif word == "room":
                answer = {"refused": await crowd.meet(int(number))}
            elif word == "churn":
                answer = await crowd.churn(float(number))
            else:
                answer = {"refused": await crowd.grow(int(number))}
            print(json.dumps(answer), flush=True)
        await crowd.go()


async def _measure(callers: Sequence[LightCaller], seconds: float) -> dict[str, Any]:
    from_s, busy_s = time.time(), time.process_time()
    own_late_ms = await _wait(seconds)
    to_s, busy_s = time.time(), time.process_time() - busy_s
    await asyncio.sleep(STRAGGLERS_S)
    return {
        **_seen(callers, from_s, to_s),
        "callers_percent_of_a_core": round(100 * busy_s / (to_s - from_s), 1),
        "callers_late_ms_p95": round(float(np.percentile(own_late_ms, 95)), 2),
    }


def _seen(callers: Sequence[LightCaller], from_s: float, to_s: float) -> dict[str, Any]:
    span, taken_s = {"from_s": from_s, "to_s": to_s}, to_s - from_s
    picture = [caller.picture.lateness_ms(delay_ms=caller.delay_ms, step_ms=FRAME_MS, **span) for caller in callers]
    voice = [caller.voice.lateness_ms(delay_ms=caller.delay_ms - LEAD_MS[FAST], step_ms=PACKET_MS, **span) for caller in callers]
    return {
        "picture_late_ms": _pooled(picture),
        "voice_late_ms": _pooled(voice),
        "pictures": sum(caller.picture.count(from_s, to_s) for caller in callers),
        "pictures_a_second": [round(caller.picture.count(from_s, to_s) / taken_s, 2) for caller in callers],
        "voice_packets_a_second": [round(caller.voice.count(from_s, to_s) / taken_s, 2) for caller in callers],
        "seconds": taken_s,
    }


async def _wait(seconds: float) -> list[float]:
    """Waits, and notes how late this process itself is woken: what it sees cannot be more exact than that."""
    late_ms = []
    end_s = time.monotonic() + seconds
    while (now_s := time.monotonic()) < end_s:
        await asyncio.sleep(TICK_S)
        late_ms.append(1000 * (time.monotonic() - now_s - TICK_S))
    return late_ms


def _pooled(calls: Sequence[Any]) -> dict[str, float]:
    """Percentiles over all calls, and of the call that fares worst."""
    known = [late for late in calls if len(late)]
    if len(known) < len(calls) or not known:
        return {"p50": 1e6, "p95": 1e6, "p99": 1e6, "worst_call_p95": 1e6}  # a call that shows nothing is late for ever
    together = np.percentile(np.concatenate(known), (50, 95, 99)).round(2)
    worst = max(float(np.percentile(late, 95)) for late in known)
    return {**dict(zip(("p50", "p95", "p99"), map(float, together), strict=True)), "worst_call_p95": round(worst, 2)}


if __name__ == "__main__":
    aiortc_adjustments.apply(("127.0.0.1",))
    uvloop.run(_obey(sys.argv[1], Path(sys.argv[2])))
