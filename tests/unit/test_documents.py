"""What the documents point to is there: files, headings, `make` targets, and commands with the flags that they are shown with."""

import argparse
import importlib
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from facewire import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
LISTED = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
CODE = re.compile(r"^```.*?^```|^(?: {4}[^\n]*\n)+", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
OUTSIDE = re.compile(r"[a-z]+:")
RECORDS = ("docs/benchmarks/", "docs/results/")  # the commands of their day
PREFIXES = (".venv/bin/", ".venv-dev/bin/", ".venv-gpu/bin/")


def anchors(page: Path) -> set[str]:
    """Names of a page's headings, as they are linked to."""
    headings = [line.lstrip("#").strip() for line in CODE.sub("", page.read_text()).splitlines() if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path) -> list[str]:
    """Links of a page to what is not in the tree."""
    found = []
    for target in LINK.findall(CODE.sub("", page.read_text())):
        name, _, heading = target.partition("#")
        linked = page.parent / name if name else page
        if OUTSIDE.match(target) or (linked.exists() and (not heading or heading in anchors(linked))):
            continue
        found.append(target)
    return found


@pytest.mark.parametrize("name", LISTED)
def test_links_lead_somewhere(name: str) -> None:
    assert broken(ROOT / name) == []


def test_a_dead_link_is_seen(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("# One\n[a](#one) [b](https://no.where) [c](page.md#two) [d](gone.md)\n```\n[e](f)\n```\n")
    assert broken(tmp_path / "page.md") == ["page.md#two", "gone.md"]


def commands(page: Path) -> Iterator[list[str]]:
    """Lines of a page's code that call facewire or make, as words; several on one line are several."""
    for block in CODE.findall(page.read_text()):
        for line in block.replace("\\\n", " ").replace("&&", "\n").splitlines():
            words = shlex.split(line, comments=True) if line.count('"') % 2 == 0 and line.count("'") % 2 == 0 else []
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words = words[1:]  # variables that the command is started with
            if words:
                first = next((words[0].removeprefix(prefix) for prefix in PREFIXES if words[0].startswith(prefix)), words[0])
                if first in ("facewire", "make"):
                    yield [first, *words[1:]]


@pytest.mark.parametrize("name", [name for name in LISTED if not name.startswith(RECORDS)])
def test_commands_exist_with_their_flags(name: str) -> None:
    for first, *words in commands(ROOT / name):
        if first == "make":
            targets = [word for word in words if "=" not in word]
            assert all(re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE) for target in targets), words
        elif words and words[0] in COMMANDS and not {"…", "..."} & set(words):
            parser = argparse.ArgumentParser(prog=f"{name}: facewire {words[0]}")
            importlib.import_module(COMMANDS[words[0]].module).add_arguments(parser)
            parser.parse_args(words[1:])


def test_a_wrong_flag_is_seen(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("```sh\n.venv/bin/facewire serve --prot 1   # a port\nmake serve\n```\n")
    assert list(commands(tmp_path / "page.md")) == [["facewire", "serve", "--prot", "1"], ["make", "serve"]]
