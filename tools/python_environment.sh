#!/bin/sh
# Makes the virtual environment build/python-environment and installs the named dependency groups of
# pyproject.toml there, from PyPI; nothing is fetched when they are there already. `peers` is asked
# for and done without where it is not to be had: the tests that need it are skipped, visibly.
# Usage: tools/python_environment.sh GROUP...   (PYTHON: the interpreter, python3 by default)
set -eu
root=$(dirname "$0")/..
environment=$root/build/python-environment
python=$environment/bin/python
have=$environment/groups

[ -x "$python" ] || "${PYTHON:-python3}" -m venv "$environment"
# What was installed is known by the groups' text: a changed one is installed again.
wanted=$("$python" - "$root/pyproject.toml" "$@" <<'TEXT'
import re, sys
text = open(sys.argv[1]).read().split("[dependency-groups]")[1].split("\n[")[0]
for group in sys.argv[2:]:
    found = re.search(rf"^{group} = \[(.*)\]$", text, re.MULTILINE)
    if not found:
        sys.exit(f"python_environment: no group '{group}' in {sys.argv[1]}")
    print(group, *re.findall(r'"([^"]*)"', found[1]))
TEXT
)
touch "$have"
echo "$wanted" | while read -r group packages; do
  grep -qxF "$group $packages" "$have" && continue
  echo "Installing from PyPI into build/python-environment: $packages"
  # shellcheck disable=SC2086  # one word a package
  if "$python" -m pip install -q --disable-pip-version-check $packages; then
    echo "$group $packages" >> "$have"
  elif [ "$group" = peers ]; then
    echo "python_environment: without $packages" >&2
  else
    exit 1
  fi
done
