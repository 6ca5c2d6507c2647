"""How far a benchmark is: lines on the standard error; on a terminal one, which goes in the end."""

import io
import re
import sys

import pytest

from server.bench import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_go_to_the_standard_error_so_that_tables_can_go_to_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    progress.tell("2 calls")
    progress.done()
    said = capsys.readouterr()
    assert said.out == ""
    assert re.fullmatch(r" *\d+:\d\d  2 calls\n", said.err)


def test_on_a_terminal_each_takes_the_place_of_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    progress.tell("1 call")
    progress.tell("2 calls")
    progress.done()
    shown = terminal.getvalue().split("\r\x1b[K")
    assert [line[-7:].strip() for line in shown] == ["", "1 call", "2 calls", ""]
    assert "\n" not in terminal.getvalue()
