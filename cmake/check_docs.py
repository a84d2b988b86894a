#!/usr/bin/env python3
"""Checks the Markdown files: links and images lead to files that are there, blocks of JSON parse,
the layers are drawn as they are, every folder of code is named in doc/architecture.md.

Usage: cmake/check_docs.py   (from the repository; prints each offence, exit code 1 if any)
"""
import json
import pathlib
import re
import subprocess
import sys

import check_layers

LINK = re.compile(r"\]\(([^)\s]+)\)")
# Paths in running text: doc/NAME.md, tools/NAME.py and so on.
PATH = re.compile(r"(?<![\w./-])((?:cmake|doc|examples|recipes|reports|samples|src|tests|tools|weights)"
                  r"/[\w./-]*\w\.(?:md|py|sh|cc|h|toml|json|jpg|png))\b")
JSON = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
# The layers drawn in doc/architecture.md.
LAYERS = re.compile(r"^## The layers as they are\n(?:(?!    |## ).*\n)*((?: {4}.*\n)+)", re.MULTILINE)
# What was there at the time is named there.
HISTORY = ("CHANGELOG.md", "reports/")


def offences(root):
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=root, stdout=subprocess.PIPE, text=True,
                            check=True)
    for name in listed.stdout.split():
        text = (root / name).read_text()
        for target in LINK.findall(text):
            if "://" in target or target.startswith(("#", "mailto:")):
                continue
            if not ((root / name).parent / target.split("#")[0]).exists():
                yield name, f"link to {target}, which is not there"
        if not name.startswith(HISTORY):
            for target in PATH.findall(text):
                if not (root / target).exists() and "NAME" not in target:
                    yield name, f"names {target}, which is not there"
        for block in JSON.findall(text):
            try:
                json.loads(block)
            except ValueError as error:
                yield name, f"a block that is no JSON: {error}"


def layer_offences(root):
    """Where doc/architecture.md draws other layers than cmake/check_layers.py finds."""
    name = "doc/architecture.md"
    drawn = LAYERS.search((root / name).read_text())
    if not drawn or drawn[1] != check_layers.drawing(root):
        yield name, ("\"The layers as they are\" is not what cmake/check_layers.py --draw prints; put that "
                     "there")


def unnamed_folders(root):
    """Folders of code that doc/architecture.md does not name."""
    name = "doc/architecture.md"
    text = (root / name).read_text()
    listed = subprocess.run(["git", "ls-files"], cwd=root, stdout=subprocess.PIPE, text=True, check=True)
    folders = {pathlib.PurePath(file).parent for file in listed.stdout.splitlines()}
    for folder in sorted(folders):
        if folder.name and not folder.is_relative_to("tests/data") and f"{folder.name}/" not in text:
            yield name, f"does not name {folder}/"


def main():
    root = pathlib.Path.cwd()
    found = list(offences(root)) + list(layer_offences(root)) + list(unnamed_folders(root))
    for name, what in found:
        print(f"{name}: {what}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
