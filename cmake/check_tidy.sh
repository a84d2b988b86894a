#!/usr/bin/env bash
# clang-tidy on the source files that a change touches, and for each header on one that includes it: its own
# NAME.cc or NAME_test.cc, else the first. The slow analyzer is left to `make nightly`.
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

is_compiled() { grep -q "\"file\": \".*/$1\"" $build/compile_commands.json; }
source_of_header() {
  local header=$1 source name
  for source in "${header%.h}.cc" "${header%.h}_test.cc"; do
    if is_compiled "$source"; then echo "$source"; return; fi
  done
  name=${header#*/}  # as includes have it, below src/, include/ or tests/
  for source in $(git grep -lF "#include \"$name\"" -- '*.cc'); do
    if is_compiled "$source"; then echo "$source"; return; fi
  done
  for source in $(git grep -lF "#include \"$name\"" -- '*.h'); do  # only other headers include it
    name=$(source_of_header "$source")
    if [ -n "$name" ]; then echo "$name"; return; fi
  done
}
# Those that changed most come first.
mapfile -t files < <(git diff --numstat --diff-filter=d "$base" -- '*.cc' '*.h' | sort -rn | cut -f 3 |
  while read -r file; do
    case $file in
      *.h) source_of_header "$file" ;;
      *) if is_compiled "$file"; then echo "$file"; fi ;;
    esac
  done | awk '!seen[$0]++')
echo "${#files[@]} source files to check since ${base:0:7}"
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
