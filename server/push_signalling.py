"""The client's side of WHIP (RFC 9725): an offer to another server, its answer, and the end."""

import asyncio
import contextlib
from dataclasses import dataclass

import aiohttp
from yarl import URL

from realtime.errors import FacewireError
from server.push_target import PushTarget, is_allowed

SDP = "application/sdp"
ANSWER_BYTES = 64 * 1024
ASKED_S = 10.0
REDIRECTS = (307, 308)
MOST_REDIRECTS = 3
AGAIN = (408, 425, 429)  # beside those from 500 on: later it may go well


class PushError(FacewireError):
    """The other server did not take the offer. lasting: to try again would be in vain."""

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The answer, and what to delete in the end (None where the server named nothing, or something that is not allowed)."""

    answer: str
    resource: URL | None


class PushSignalling:
    """Section 4.2: POST, a redirection where it stays with allowed servers, 201; and DELETE. The token is shown to the endpoint's
    own origin alone: a redirection to another one goes there without it, as browsers and curl do it."""

    def __init__(self, http: aiohttp.ClientSession, target: PushTarget, origins: tuple[str, ...]) -> None:
        self._http, self._target, self._origins = http, target, origins

    async def offer(self, sdp: str) -> Accepted:
        """Raises PushError."""
        url = self._target.endpoint
        try:
            async with asyncio.timeout(ASKED_S):
                for _ in range(MOST_REDIRECTS + 1):
                    found = await self._post(url, sdp)
                    if isinstance(found, Accepted):
                        return found
                    url = found
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise PushError(f"the other server cannot be reached ({type(error).__name__})") from error
        raise PushError("the other server sends the offer from one address to the next", lasting=True)

    async def end(self, resource: URL) -> None:
        """Never raises: the other server notices in any case."""
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with (
                asyncio.timeout(ASKED_S),
                self._http.delete(resource, headers=self._token_for(resource), allow_redirects=False),
            ):
                return

    async def _post(self, url: URL, sdp: str) -> Accepted | URL:
        headers = {"Content-Type": SDP, "Accept": SDP, **self._token_for(url)}
        async with self._http.post(url, data=sdp.encode(), headers=headers, allow_redirects=False) as response:
            if response.status in REDIRECTS:
                return self._elsewhere(url, response)
            if response.status != 201:
                lasting = 400 <= response.status < 500 and response.status not in AGAIN
                raise PushError(f"the other server answered {response.status}, 201 was expected", lasting=lasting)
            if response.content_type != SDP:
                raise PushError(f"the other server answered {response.content_type}, {SDP} was expected", lasting=True)
            return Accepted(answer=await _text(response), resource=self._resource(url, response))

    def _token_for(self, url: URL) -> dict[str, str]:
        own = self._target.token and url.origin() == self._target.endpoint.origin()
        return {"Authorization": f"Bearer {self._target.token}"} if own else {}

    def _elsewhere(self, url: URL, response: aiohttp.ClientResponse) -> URL:
        target = _joined(url, response)
        if target is None or not is_allowed(target, self._origins):
            raise PushError("the other server sends the offer on to one that is not allowed", lasting=True)
        return target

    def _resource(self, url: URL, response: aiohttp.ClientResponse) -> URL | None:
        resource = _joined(url, response)
        return resource if resource is not None and is_allowed(resource, self._origins) else None


def _joined(url: URL, response: aiohttp.ClientResponse) -> URL | None:
    try:
        return url.join(URL(response.headers["Location"]))
    except (KeyError, ValueError):
        return None


async def _text(response: aiohttp.ClientResponse) -> str:
    body = b""
    async for part in response.content.iter_chunked(ANSWER_BYTES):
        body += part
        if len(body) > ANSWER_BYTES:
            raise PushError(f"the other server answered with more than {ANSWER_BYTES // 1024} kB", lasting=True)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise PushError("the other server's answer is no text", lasting=True) from error
