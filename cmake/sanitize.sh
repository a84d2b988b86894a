#!/usr/bin/env bash
# Unit tests under ASan and UBSan, module by module, in the fuzzers' tree, which has the libraries so.
# Usage: cmake/sanitize.sh SECONDS [MODULE...]
# SECONDS: no module is begun later, and what is left over is named; 0: no limit. MODULE: base,
# runtime_cpu, ..., or a test of the trainer's in tests/training without its _test; by default all, first
# those that the change touches (cmake/base_of_change.sh), then those that read foreign files and take
# little time.
# Needs build/fuzz configured. Exit code 1 if any test fails.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/fuzz
seconds=$1
shift
if [ $# -eq 0 ]; then
  modules=(base geometry graph image image_codecs models interchange dataset mesh runtime runtime_reference video
    tracking recognition c_interface runtime_backends runtime_kernels runtime_cpu server pipeline cli
    runtime_training_kernels runtime_torch runtime_autograd detection evaluation training training_reference added_head)
  base=$(cmake/base_of_change.sh)
  folders=" $(git diff --name-only "${base:-HEAD}" -- src tests/training | xargs -r -n 1 dirname | sort -u |
    sed 's/^src.//; s/^tests.//; s/\//_/g' | tr '\n' ' ') "
  changed=()
  others=()
  for module in "${modules[@]}"; do
    case $module in
      training_reference | added_head) folder=training ;;
      *) folder=$module ;;
    esac
    case $folders in
      *" $folder "*) changed+=("$module") ;;
      *) others+=("$module") ;;
    esac
  done
  set -- "${changed[@]}" "${others[@]}"
fi
begin=$SECONDS
running=()
while [ $# -gt 0 ]; do
  if [ "$seconds" -gt 0 ] && [ $((SECONDS - begin)) -ge "$seconds" ]; then
    echo "not checked, out of time: $*"
    break
  fi
  cmake --build $build --target "$1_test" > $build/"$1".log || { cat $build/"$1".log; exit 1; }
  # Runs while the next one is built.
  (cd $build && bin/"$1_test" --gtest_brief=1 > "$1".log 2>&1 && echo "$1: $(grep -o '\[  PASSED.*' "$1".log)" ||
    { cat "$1".log; exit 1; }) &
  running+=($!)
  shift
done
failed=0
for test in "${running[@]}"; do wait "$test" || failed=1; done
exit $failed
