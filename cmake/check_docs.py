#!/usr/bin/env python3
"""Checks the Markdown files: links and images lead to files that are there, blocks of JSON parse.

Usage: cmake/check_docs.py   (from the repository; prints each offence, exit code 1 if any)
"""
import json
import pathlib
import re
import subprocess
import sys

LINK = re.compile(r"\]\(([^)\s]+)\)")
# Paths in running text: doc/NAME.md, tools/NAME.py and so on.
PATH = re.compile(r"(?<![\w./-])((?:cmake|doc|examples|recipes|reports|samples|src|tests|tools|weights)"
                  r"/[\w./-]*\w\.(?:md|py|sh|cc|h|toml|json|jpg|png))\b")
JSON = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
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


def main():
    found = list(offences(pathlib.Path.cwd()))
    for name, what in found:
        print(f"{name}: {what}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
