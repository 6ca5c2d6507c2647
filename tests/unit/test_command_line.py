"""The dispatcher: what it imports, and how it ends."""

import argparse
import importlib
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from facewire import COMMANDS, EXTRA_OF, INTERRUPTED, Command, main

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"numpy", "cv2", "av", "openvino", "torch", "aiohttp", "aiortc", "PIL", "tqdm"}
MAX_FLAGS = 10


def run_python(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter in the project's root."""
    return subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def heavy_modules_after(words: list[str]) -> set[str]:
    """What of HEAVY a fresh interpreter has imported once `facewire WORDS` has ended."""
    code = """
import sys, facewire
try:
    facewire.main(sys.argv[1:])
except SystemExit:
    pass
print(*sys.modules, file=sys.stderr)
"""
    ended = run_python(code, *words)
    assert ended.returncode == 0, ended.stderr
    return HEAVY & set(ended.stderr.split())


@pytest.mark.parametrize("words", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_asking_for_help_imports_nothing_heavy(words: list[str]) -> None:
    assert heavy_modules_after(words) == set()


def test_heavy_imports_are_noticed() -> None:
    """The control: a command that does its work imports what it needs."""
    assert heavy_modules_after(["render", "nobody.jpg", "nothing.wav", "film.mp4"]) >= {"numpy", "cv2"}


def with_subcommands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A command's parser, and those of the words that it divides into."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from with_subcommands(child)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_at_most_ten_flags_each_explained(name: str) -> None:
    command = argparse.ArgumentParser()
    importlib.import_module(COMMANDS[name].module).add_arguments(command)
    for parser in with_subcommands(command):
        arguments = [action for action in parser._actions if not isinstance(action, argparse._SubParsersAction)]
        assert [action.dest for action in arguments if not action.help] == []
        assert len([action for action in arguments if action.option_strings]) <= MAX_FLAGS + 1  # --help


def test_the_version_is_the_distribution_s(capsys: pytest.CaptureFixture[str]) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"facewire {declared}\n"


@pytest.mark.parametrize("words", [[], ["dance"], ["--dance", "serve"], ["serve", "--port", "many"]], ids=" ".join)
def test_a_wrong_word_is_refused_with_the_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: facewire")


def test_an_error_that_a_person_can_mend_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "nobody.jpg", "nothing.wav", "film.mp4"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "facewire render: nobody.jpg cannot be read (No such file or directory).\n"


def test_a_missing_package_is_named_with_the_extra_that_brings_it(tmp_path: Path) -> None:
    code = "import sys; sys.modules['torch'] = None; import facewire; sys.exit(facewire.main(sys.argv[1:]))"
    ended = run_python(code, "export", str(tmp_path / "checkpoint.pt"), str(tmp_path / "model"))
    assert ended.returncode == 2
    assert ended.stderr == 'facewire export: torch is not installed. Install it with: pip install "facewire[train]"\n'


def test_the_extras_that_are_named_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(EXTRA_OF.values()) <= set(extras)


@pytest.fixture
def serving_raises(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Let `facewire serve` end in an error of the test's choice."""

    def let(error: BaseException) -> None:
        def run(_: argparse.Namespace) -> int:
            raise error

        module = ModuleType("serving_raises")
        module.__dict__.update(add_arguments=lambda _: None, run=run)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(COMMANDS, "serve", Command(module=module.__name__, summary="raises"))

    return let


def test_an_interruption_ends_as_shells_expect(serving_raises: Callable[[BaseException], None]) -> None:
    serving_raises(KeyboardInterrupt())
    assert main(["serve"]) == INTERRUPTED


def test_a_mistake_of_our_own_keeps_its_traceback(serving_raises: Callable[[BaseException], None]) -> None:
    serving_raises(ModuleNotFoundError("No module named 'realtime.nowhere'", name="realtime.nowhere"))
    with pytest.raises(ModuleNotFoundError):
        main(["serve"])
