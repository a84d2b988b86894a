#!/bin/sh
# Runs each fuzzer for some seconds, as many at once as there are cores, from the fixtures on, with what
# it finds in build/fuzz/found/. Exit code 1 if any of them crashed.
# Usage: fuzz/run.sh FOLDER_OF_FUZZERS SECONDS [NAME...]     all of them, or those named
# FUZZ_SEED=1 tries the same inputs in each run that starts without such a folder; 0, the default, others
# each time.
set -eu
cd "$(dirname "$0")/.."
folder=$1
seconds=$2
shift 2

fuzz() {
  name=$(basename "$1" _fuzz)
  found=build/fuzz/found/$name
  mkdir -p "$found"
  starts=
  for start in tests/data/"$name" tests/data/"$name"s; do
    [ -d "$start" ] && starts="$starts $start"
  done
  [ -n "$starts" ] || { echo "== $name: nothing to start from, neither tests/data/$name nor ${name}s"; return 1; }
  dictionary=
  [ -f "fuzz/$name.dict" ] && dictionary=-dict=fuzz/$name.dict
  # libavformat, dav1d and libheif reserve what a header promises, up to 32 bits of bytes; what is really
  # taken, -rss_limit_mb bounds.
  malloc_limit=256
  case $name in video) malloc_limit=2048 ;; image) malloc_limit=4096 ;; esac
  # shellcheck disable=SC2086  # several folders, or none
  "$1" $dictionary -max_len=8192 -malloc_limit_mb=$malloc_limit -timeout=30 -seed="${FUZZ_SEED:-0}" \
    -artifact_prefix="$found/" \
    -max_total_time="$seconds" -print_final_stats=1 "$found" $starts > "$found.log" 2>&1 ||
    { echo "== $name crashed"; tail -n 60 "$found.log"; return 1; }
  echo "== $name, $seconds s:" \
    "$(grep -E 'number_of_executed_units|new_units_added|peak_rss' "$found.log" | sed 's/stat:://' |
      tr -s ' \n' ' ')"
}

failed=0
running=
finish() {
  for job in $running; do wait "$job" || failed=1; done
  running=
}
count=0
[ $# -gt 0 ] || set -- $(cd "$folder" && ls -- *_fuzz)
for name in "$@"; do
  program=$folder/${name%_fuzz}_fuzz
  fuzz "$program" &
  running="$running $!"
  count=$((count + 1))
  [ $((count % $(nproc))) -ne 0 ] || finish
done
finish
exit $failed
