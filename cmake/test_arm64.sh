#!/bin/sh
# Tests as arm64 processors run them, cross-compiled, under qemu-user: the kernels' tests and the golden
# faces on a processor with NEON alone, with dotprod, and with i8mm as well; then the unit tests of what
# detection stands on. Hours: the largest networks of the catalogue are computed too.
# Usage: cmake/test_arm64.sh   (packages: cmake/install_packages.sh detect test arm64)
set -eu
cd "$(dirname "$0")/.."
build=$PWD/build/arm64  # whole: qemu-user looks for /proc/self/exe by the name that it was given
units="base geometry image graph models runtime runtime_reference runtime_backends runtime_cpu mesh \
  tracking detection"
by_processor="runtime_kernels_test golden_test"

cmake/arm64_sysroot.sh
cmake --preset arm64 --log-level=WARNING -DRETINAFACE_TESTS=ON
targets=$by_processor
for unit in $units; do targets="$targets ${unit}_test"; done
# shellcheck disable=SC2086  # several words
cmake --build "$build" --target $targets

failed=
run() {  # PROCESSOR TEST
  echo "== $2 on $1"
  qemu-aarch64 -cpu "$1" -L build/arm64-sysroot "$build/bin/$2" --gtest_brief=1 ||
    failed="$failed $2($1)"
}
for cpu in cortex-a72 cortex-a76 max; do
  for test in $by_processor; do run $cpu "$test"; done
done
for unit in $units; do run max "${unit}_test"; done
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
