"""A real Chromium, the real server, and pages that fail their test when a script of theirs fails."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, ViewportSize, sync_playwright

from tests.browser.chromium import INSTALL_HINT, QUIET_FLAGS, find_chromium, with_microphone
from tests.browser.microphone_file import speech, write_microphone
from tests.browser.server_process import ROOT, ServerProcess

ARTIFACTS = ROOT / "tests" / "artifacts"
PROBE = Path(__file__).with_name("probe.js")
DESKTOP: ViewportSize = {"width": 1280, "height": 800}

LaunchBrowser = Callable[[tuple[str, ...]], Browser]
OpenPage = Callable[..., Page]


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Closed after this folder's tests: its event loop must not outlive them."""
    if os.environ.get("FACEWIRE_SKIP_BROWSER") == "1":
        pytest.skip("FACEWIRE_SKIP_BROWSER=1")
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def launch_browser(playwright: Playwright) -> Iterator[LaunchBrowser]:
    """A browser with these flags; one that already runs with the same flags is used again."""
    path = find_chromium()
    if path is None:
        pytest.fail(INSTALL_HINT)
    browsers: dict[tuple[str, ...], Browser] = {}

    def launch(flags: tuple[str, ...]) -> Browser:
        if flags not in browsers:
            arguments = [*QUIET_FLAGS, *flags]
            browsers[flags] = playwright.chromium.launch(executable_path=path, args=arguments)
        return browsers[flags]

    yield launch
    for browser in browsers.values():
        browser.close()


@pytest.fixture(scope="package")
def fixture_microphone(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Flags of a browser whose microphone speaks the shipped sentences."""
    path = tmp_path_factory.mktemp("microphone") / "fixture.wav"
    write_microphone(speech("fixture"), path)
    return with_microphone(path)


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The server as it comes, for the tests that leave it as it was."""
    with ServerProcess(log_path=tmp_path_factory.mktemp("server") / "log.txt") as running:
        yield running


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """A server of this test's own: `start_server("--max-sessions", "1")`."""
    with ExitStack() as stack:
        yield lambda *flags: stack.enter_context(ServerProcess(log_path=tmp_path / "server.txt", flags=flags))


@pytest.fixture
def open_page(launch_browser: LaunchBrowser, fixture_microphone: tuple[str, ...]) -> Iterator[OpenPage]:
    """Open a page: `open_page(url)`, with other browser flags or context options where a test needs them."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_one(url: str, *, flags: tuple[str, ...] | None = None, **options: object) -> Page:
        browser = launch_browser(fixture_microphone if flags is None else flags)
        context = browser.new_context(**{"viewport": DESKTOP, "bypass_csp": True, **options})  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(path=PROBE)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: _note_policy_violation(message, errors))
        page.goto(url)
        page.locator("#start-stop").wait_for()
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not errors, errors


@pytest.fixture
def keep_screenshot() -> Callable[[Page, str], None]:
    """Keep what a page looks like, for a person's eyes: tests/artifacts/NAME.png."""

    def keep(page: Page, name: str) -> None:
        ARTIFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTIFACTS / f"{name}.png")

    return keep


def _note_policy_violation(message: ConsoleMessage, errors: list[str]) -> None:
    if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
        errors.append(message.text)
