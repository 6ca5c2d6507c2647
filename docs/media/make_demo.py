"""Make the README's pictures: the real page in a real browser, in a call with the real server, a recorded voice as microphone.

    python docs/media/make_demo.py [--portrait ID] [--seconds 7]

writes `facewire.webp`, a short animation of the page in a call, and `facewire.png`, one moment of it, beside this file. Needs the
`dev` extra and Chromium, as the browser tests do.
"""

import argparse
import base64
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.browser.chromium import INSTALL_HINT, QUIET_FLAGS, find_chromium, with_microphone  # noqa: E402
from tests.browser.conftest import PROBE  # noqa: E402
from tests.browser.microphone_file import speech, write_microphone  # noqa: E402
from tests.browser.server_process import ServerProcess  # noqa: E402

VIEWPORT: ViewportSize = {"width": 1120, "height": 760}
FRAMES_PER_S = 12.5
WARM_UP_MS = 5000
LOUD = 0.02
QUALITY = 78
LIMIT_BYTES = 3_000_000


def main() -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portrait", default="speaker-27", help="id of a shipped portrait (%(default)s)")
    parser.add_argument("--seconds", type=float, default=7.0, help="length of the animation")
    arguments = parser.parse_args()
    path = find_chromium()
    if path is None:
        print(INSTALL_HINT, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        microphone = Path(folder) / "microphone.wav"
        write_microphone(speech("fixture"), microphone)
        flags = [*QUIET_FLAGS, *with_microphone(microphone)]
        with ServerProcess(log_path=Path(folder) / "server.txt") as server:
            browser = playwright.chromium.launch(executable_path=path, args=flags)
            page = browser.new_context(viewport=VIEWPORT, bypass_csp=True).new_page()
            frames = record_call(page, server.url, arguments.portrait, arguments.seconds)
            browser.close()
    write_animation(frames, HERE / "facewire.webp")
    return 0


def record_call(page: Page, url: str, portrait: str, seconds: float) -> list[tuple[float, bytes]]:
    """Call, wait for the voice, and film the page: [(time in s, JPEG)]. Also keeps one moment of it as a still."""
    page.add_init_script(path=PROBE)
    page.goto(url)
    page.locator("input[type=radio]:checked").wait_for(state="attached")
    page.locator(f"input[type=radio][value={portrait}]").check()
    page.click("#start-stop")
    page.locator("body[data-state=live] .is-playing").wait_for(timeout=20_000)
    page.evaluate("probe.watchSound()")
    page.wait_for_timeout(WARM_UP_MS)
    page.mouse.move(0, 0)
    page.wait_for_function("loud => probe.sound.slice(-100).every(([, level]) => level < loud)", arg=LOUD)
    page.wait_for_function("loud => probe.sound.at(-1)[1] > loud", arg=LOUD)
    frames = film(page, seconds)
    page.wait_for_function("loud => probe.sound.at(-1)[1] > 3 * loud", arg=LOUD)
    page.screenshot(path=HERE / "facewire.png")
    return frames


def film(page: Page, seconds: float) -> list[tuple[float, bytes]]:
    """What the page looks like, at every other change, for so many seconds. JPEG: PNG would keep the server from its core."""
    frames: list[tuple[float, bytes]] = []
    session = page.context.new_cdp_session(page)

    def keep(frame: dict[str, Any]) -> None:
        frames.append((frame["metadata"]["timestamp"], base64.b64decode(frame["data"])))
        session.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})

    session.on("Page.screencastFrame", keep)
    session.send("Page.startScreencast", {"format": "jpeg", "quality": 95, "everyNthFrame": 2})
    page.wait_for_timeout(1000 * seconds)
    session.send("Page.stopScreencast")
    return frames


def write_animation(frames: list[tuple[float, bytes]], path: Path) -> None:
    """An even animation out of unevenly filmed pictures; refuses one that is too large for a README."""
    step_s = 1 / FRAMES_PER_S
    times = [time for time, _ in frames]
    count = int((times[-1] - times[0]) / step_s)
    shown = [max(i for i, time in enumerate(times) if time <= times[0] + k * step_s) for k in range(count)]
    pictures = [Image.open(io.BytesIO(frames[index][1])).convert("RGB") for index in shown]
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], duration=round(1000 * step_s), loop=0, quality=QUALITY, method=4
    )
    size = path.stat().st_size
    print(f"{path.name}: {len(pictures)} pictures out of {len(frames)} filmed, {size / 1e6:.2f} MB")
    if size > LIMIT_BYTES:
        raise SystemExit(f"{path.name} is larger than {LIMIT_BYTES / 1e6:.0f} MB: film fewer seconds")


if __name__ == "__main__":
    sys.exit(main())
