"""`facewire bench capacity --room N`: so many people in one room, each of whom sees and hears all of them, oneself too.

Every one is a real connection that speaks recorded speech, and one more for each of the others, as the page's are. The room holds
where the 95th percentile of all pictures' lateness is at most 40 ms, and no voice and no picture is missing.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from realtime.errors import ConfigError
from server.bench.callers import Callers
from server.bench.capacity import LATE_MS, SETTLE_S, place
from server.bench.progress import tell
from server.bench.record import Figures, Report, table
from server.bench.serving import serving

SEEN_SHARE = 0.98  # of 25 pictures and 50 packets a second, over each connection
PICTURES_A_SECOND, PACKETS_A_SECOND = 25, 50


def run(*, model: Path | None, sizes: Sequence[int], n_cores: Sequence[int], people: int, speech: Path, seconds: float) -> Report:
    """Title, figures and tables of the record.

    Raises ConfigError where the server does not start or refuses, or there are too few cores; AudioError.
    """
    rooms = [_room(model, size, cores, people, speech, seconds) for cores in n_cores for size in sizes]
    configuration = {"model": str(model or "default"), "people": people, "seconds": seconds}
    title = f"A room of {people}: p95 of the pictures' lateness at most {LATE_MS:.0f} ms, nothing missing"
    return title, {"configuration": configuration, "rooms": rooms}, _tables(rooms)


def _room(model: Path | None, size: int, n_cores: int, people: int, speech: Path, seconds: float) -> Figures:
    where = place(n_cores)
    flags = ["--size", str(size), "--max-sessions", str(people), *(["--model", str(model)] if model else [])]
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(flags, where.server, Path(folder) / "server.txt") as server,
        Callers(server.url, speech, where.callers) as callers,
    ):
        if (refusal := callers.meet(people)) is not None:
            raise ConfigError(f"no room of {people} came together: {refusal}")
        tell(f"{people} are there, {size} px: measured for {seconds:g} s")
        time.sleep(SETTLE_S)
        began_s, busy_s = time.monotonic(), server.processor_s
        seen = callers.measure(seconds)
        taken_s, busy_s = time.monotonic() - began_s, server.processor_s - busy_s
        memory_mb = server.memory_mb
    least_pictures, least_voice = min(seen["pictures_a_second"]), min(seen["voice_packets_a_second"])
    whole = least_pictures >= SEEN_SHARE * PICTURES_A_SECOND and least_voice >= SEEN_SHARE * PACKETS_A_SECOND
    return {
        "size": size,
        "cores": n_cores,
        "placement": str(where),
        "people": people,
        "connections": len(seen["pictures_a_second"]),
        "holds": whole and seen["picture_late_ms"]["p95"] <= LATE_MS,
        "least_pictures_a_second": least_pictures,
        "least_voice_packets_a_second": least_voice,
        "cpu_percent_of_a_core": round(100 * busy_s / taken_s, 1),
        "memory_mb": round(memory_mb),
        **seen,
    }


def _tables(rooms: Sequence[Figures]) -> list[str]:
    heads = (
        "cores",
        "size",
        "people",
        "connections",
        "holds",
        "pictures late p50 ms",
        "p95",
        "least pictures/s",
        "least voice packets/s",
    )
    rows = []
    for room in rooms:
        late = room["picture_late_ms"]
        row = [room["cores"], room["size"], room["people"], room["connections"], "yes" if room["holds"] else "no"]
        row += [late["p50"], late["p95"], room["least_pictures_a_second"], room["least_voice_packets_a_second"]]
        rows.append((*row, room["cpu_percent_of_a_core"], room["callers_percent_of_a_core"], room["callers_late_ms_p95"]))
    last = ("server, % of a core", "callers, % of a core", "callers woken late p95 ms")
    return [table((*heads, *last), rows), *(f"{room['size']} px: {room['placement']}.\n" for room in rooms)]
