#!/bin/sh
# Runs each fuzzer for some seconds, from the fixtures on, with what it finds in build/fuzz/found/.
# Usage: fuzz/run.sh FOLDER_OF_FUZZERS SECONDS
set -eu
cd "$(dirname "$0")/.."
folder=$1
seconds=$2
for program in "$folder"/*_fuzz; do
  name=$(basename "$program" _fuzz)
  found=build/fuzz/found/$name
  mkdir -p "$found"
  starts=
  for start in tests/data/"$name" tests/data/"$name"s; do
    [ -d "$start" ] && starts="$starts $start"
  done
  dictionary=
  [ -f "fuzz/$name.dict" ] && dictionary=-dict=fuzz/$name.dict
  echo "== $name, $seconds s"
  # shellcheck disable=SC2086  # several folders, or none
  "$program" $dictionary -max_len=8192 -malloc_limit_mb=256 -timeout=10 -artifact_prefix="$found/" \
    -max_total_time="$seconds" -print_final_stats=1 "$found" $starts > "$found.log" 2>&1 ||
    { tail -n 60 "$found.log"; exit 1; }
  grep -E 'number_of_executed_units|new_units_added|peak_rss' "$found.log"
done
