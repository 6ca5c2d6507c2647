"""Refusals: each has a true HTTP status, a reason for programs and a sentence for people.

Refusal (400)            FacewireError → what the client gets as {"error": {"reason", "message"}}
"""

from aiohttp import web

from realtime.errors import FacewireError


class Refusal(FacewireError):  # noqa: N818 - it refuses, nothing failed
    """An HTTP answer that is an error. headers: e.g. Retry-After."""

    def __init__(self, status: int, reason: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.reason, self.headers = status, reason, headers or {}

    def response(self) -> web.Response:
        body = {"error": {"reason": self.reason, "message": str(self)}}
        return web.json_response(body, status=self.status, headers=self.headers)


def full(max_sessions: int) -> Refusal:
    message = f"All {max_sessions} places on this server are taken: try again in a moment."
    return Refusal(503, "server_full", message, {"Retry-After": "5"})


def overloaded() -> Refusal:
    message = "This server is as busy as it can be with the calls that it has: try again in a moment."
    return Refusal(503, "server_busy", message, {"Retry-After": "5"})


def starting() -> Refusal:
    return Refusal(503, "starting", "The server is still starting: try again in a moment.", {"Retry-After": "1"})


def stopping() -> Refusal:
    return Refusal(503, "stopping", "The server is shutting down: try again in a moment.", {"Retry-After": "5"})


def busy(message: str) -> Refusal:
    return Refusal(503, "busy", message, {"Retry-After": "5"})
