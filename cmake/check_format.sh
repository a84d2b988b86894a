#!/bin/sh
# Checks that every C++ file in git is formatted as .clang-format says; `make format` mends it.
set -eu
cd "$(dirname "$0")/.."
git ls-files '*.h' '*.cc' | xargs clang-format --dry-run --Werror
