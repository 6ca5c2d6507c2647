"""The distribution's Chromium: where it is, and how it is started for a call that no person attends."""

import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
INSTALL_HINT = "no Chromium was found: `apt-get install chromium` (Debian, Ubuntu), or set FACEWIRE_SKIP_BROWSER=1 to go without"
INSECURE_HOST = "facewire.test"
"""Stands for this machine under a name that browsers do not trust with a microphone."""

QUIET_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
    f"--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1",
)


def find_chromium() -> str | None:
    """Path of the browser, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def with_microphone(recording: Path) -> tuple[str, ...]:
    """Flags for a browser whose microphone plays a WAV file over and over, and whose person says yes."""
    return (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={recording}",
    )


def without_microphone() -> tuple[str, ...]:
    """Flags for a browser whose person says yes, on a machine that has no microphone of its own."""
    return ("--use-fake-ui-for-media-stream",)


def with_microphone_refused() -> tuple[str, ...]:
    """Flags for a browser with a microphone whose person says no."""
    return ("--use-fake-ui-for-media-stream=deny", "--use-fake-device-for-media-stream")
