"""Firefox without a window, driven over WebDriver BiDi, which it speaks by itself: no driver, no package."""

import asyncio
import base64
import itertools
import json
import re
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

START_S, ANSWER_S = 40.0, 30.0
LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
PREFERENCES = {
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}
MICROPHONE = """() => {
  navigator.mediaDevices.getUserMedia = async () => {
    const wav = Uint8Array.from(atob("%s"), (letter) => letter.charCodeAt(0));
    window.speaking = new Audio(URL.createObjectURL(new Blob([wav], { type: "audio/wav" })));
    speaking.loop = true;
    await speaking.play();
    return speaking.mozCaptureStream();
  };
}"""
"""Firefox has a flag for a microphone that hums, none for one that speaks; and without a sound card no AudioContext runs."""


class Firefox:
    """One browser with one page, from `async with` to the end of the block. folder: of its profile."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder
        self._numbers = itertools.count()

    async def __aenter__(self) -> Self:
        preferences = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items())
        (self._folder / "user.js").write_text("".join(preferences))
        flags = ("--headless", "--no-remote", "--profile", str(self._folder), "--remote-debugging-port", "0")
        self._process = await asyncio.create_subprocess_exec(
            self._program, *flags, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        self._http = aiohttp.ClientSession()
        try:
            async with asyncio.timeout(START_S):
                self._socket = await self._http.ws_connect(await self._address() + "/session", max_msg_size=0)
            await self.ask("session.new", capabilities={})
            self._page = (await self.ask("browsingContext.getTree"))["contexts"][0]["context"]
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.close()
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.communicate()

    async def open(self, url: str, *, before: str, microphone: bytes) -> None:
        """The page, once it is loaded. before: a script that runs before its own; microphone: the WAV file that it speaks."""
        wav = base64.b64encode(microphone).decode()
        for function in (f"() => {{ {before} }}", MICROPHONE % wav):
            await self.ask("script.addPreloadScript", functionDeclaration=function)
        await self.ask("browsingContext.navigate", context=self._page, url=url, wait="complete")

    async def run(self, expression: str) -> Any:
        """What an expression, or the promise that it gives, comes to; by way of JSON.

        Raises AssertionError where it throws.
        """
        answer = await self.ask(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression})))()",
            target={"context": self._page},
            awaitPromise=True,
            userActivation=True,
        )
        assert answer["type"] == "success", answer
        return json.loads(answer["result"].get("value", "null"))

    async def until(self, expression: str, within_s: float) -> None:
        async with asyncio.timeout(within_s):
            while not await self.run(expression):  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a command; events are passed over."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(ANSWER_S):
            while True:
                message = await self._socket.receive_json()
                if message.get("id") == number:
                    assert message["type"] == "success", message
                    return dict(message["result"])

    async def _address(self) -> str:
        assert self._process.stderr is not None
        while line := (await self._process.stderr.readline()).decode():
            if found := LISTENING.search(line):
                return found[1]
        raise AssertionError("Firefox ended before it took commands")
