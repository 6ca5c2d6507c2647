"""Other stacks, as programs of their own: what they need, and how they are run."""

import asyncio
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SYSTEM_PYTHON = Path("/usr/bin/python3")
"""Of the distribution, as its gi is."""
NEEDED = ("webrtcbin", "nicesrc", "dtlsdec", "rtpopuspay", "rtpvp8depay", "sctpdec")
PROBE = f"""
import gi, sys
gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstWebRTC
Gst.init(None)
sys.exit(" ".join(name for name in {NEEDED} if Gst.ElementFactory.find(name) is None) or 0)
"""
PROGRAM_S = 40.0


def on_gstreamer(program: str) -> list[str]:
    """The command of a program beside this file; the test is skipped where GStreamer, or one of its elements, is not there."""
    if not SYSTEM_PYTHON.exists():
        pytest.skip(f"no {SYSTEM_PYTHON}: GStreamer's programs run on the distribution's Python")
    probe = subprocess.run([SYSTEM_PYTHON, "-c", PROBE], capture_output=True, text=True, check=False)
    if probe.returncode:
        missing = probe.stderr.strip().splitlines()[-1]
        pytest.skip(f"GStreamer's webrtcbin is not whole ({missing}): make interop")
    return [str(SYSTEM_PYTHON), "-m", f"tests.server.interop.{program}"]


def on_werift(program: str) -> list[str]:
    """The same of werift."""
    path = shutil.which("node")
    if path is None:
        pytest.skip("no node was found: apt-get install nodejs npm, then make interop")
    if not (HERE / "node_modules" / "werift").is_dir():
        pytest.skip("werift is not installed: make interop")
    return [path, str(HERE / f"{program}.mjs")]


class Program:
    """A foreign program, from `async with` to the end of the block, where it must have ended by itself."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command

    async def __aenter__(self) -> "Program":
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(*self._command, cwd=ROOT, stdout=pipe, stderr=pipe, limit=2**26)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def line(self) -> str:
        """What it prints next."""
        assert self._process.stdout is not None
        async with asyncio.timeout(PROGRAM_S):
            line = await self._process.stdout.readline()
        assert line, await self._complaints()
        return line.decode().strip()

    async def rest(self) -> str:
        """What it prints until it ends, which must go well."""
        async with asyncio.timeout(PROGRAM_S):
            out, complaints = await self._process.communicate()
        assert self._process.returncode == 0, complaints.decode()[-3000:]
        return out.decode()

    async def _complaints(self) -> str:
        assert self._process.stderr is not None
        return (await self._process.stderr.read()).decode()[-3000:]
