"""Unguessable names for calls, rooms and photographs. With several worker processes each begins with its worker's number, so that
whoever stands before them knows whom a request is for."""

import secrets

SEPARATOR = "."  # not among the characters of a token

_prefix = ""


def belong_to(worker: int) -> None:
    """Names that this process gives from now on tell that it is this worker. Called once, at the start of a worker."""
    global _prefix
    _prefix = f"{worker}{SEPARATOR}"


def new_name(n_bytes: int) -> str:
    """A new name with so many random bytes."""
    return _prefix + secrets.token_urlsafe(n_bytes)


def worker_of(name: str) -> int | None:
    """Whose name this is; None where it tells of no worker."""
    number, separator, _ = name.partition(SEPARATOR)
    return int(number) if separator and number.isascii() and number.isdecimal() and len(number) < 4 else None
