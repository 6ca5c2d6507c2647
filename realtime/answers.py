"""Answers futures that somebody may have cancelled meanwhile."""

from concurrent.futures import Future, InvalidStateError
from typing import TypeVar

Result = TypeVar("Result")


def answer(future: Future[Result], result: Result | BaseException) -> None:
    """Gives a result or raises an error in whoever waits; nothing where the future was cancelled."""
    try:
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)
    except InvalidStateError:
        pass
