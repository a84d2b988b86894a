#!/usr/bin/env bash
# clang-tidy on the source files that a change touches; its slow analyzer is left to `make nightly`.
# Usage: cmake/check_tidy.sh [BASE [SECONDS]]
# BASE: the commit that the change begins after (cmake/base_of_change.sh). SECONDS: no file is begun later (360), and what is left over is
# named. Needs build/release configured with the tests. Exit code 1 for any warning.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/release
base=$(cmake/base_of_change.sh "${1:-}")
[ -n "$base" ] || { echo "no commit before this one: nothing to check"; exit 0; }
seconds=${2:-360}
[ -e $build/compile_commands.json ] || { echo "no $build/compile_commands.json; make test makes it" >&2; exit 2; }

# Those that changed most come first.
mapfile -t files < <(git diff --numstat --diff-filter=d "$base" -- '*.cc' | sort -rn | cut -f 3 |
  while read -r file; do
    grep -q "\"file\": \".*/$file\"" $build/compile_commands.json && echo "$file"
  done)
echo "${#files[@]} source files changed since ${base:0:7}"
[ ${#files[@]} -gt 0 ] || exit 0
# Without GCC's precompiled headers, which clang-tidy cannot read; libtorch's by GCC 11's headers
# (cmake/Dependencies.cmake says why).
mkdir -p build/tidy
sed -E -e 's/ -Winvalid-pch -include [^ "]*cmake_pch\.hxx//' \
  -e "/torch.csrc.api.include/ s| -c | --gcc-install-dir=/usr/lib/gcc/$(g++ -print-multiarch)/11 -c |" \
  $build/compile_commands.json > build/tidy/compile_commands.json
export stop_at=$(($(date +%s) + seconds))
check() {
  [ "$(date +%s)" -lt "$stop_at" ] || { echo "not checked, out of time: $1"; return 0; }
  clang-tidy-16 --quiet -p build/tidy --checks='-clang-analyzer-*' --warnings-as-errors='*' "$1" 2>/dev/null
}
export -f check
printf '%s\0' "${files[@]}" | xargs -0 -r -n 1 -P "$(nproc)" bash -c 'check "$1"' check
