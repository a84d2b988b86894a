#!/bin/sh
# The kernels' tests as arm64 processors run them: with NEON alone, with dotprod, and with i8mm as
# well; cross-compiled, under qemu-user. Only what these tests need is compiled; the fmt and Highway
# that are taken are headers alone.
# Usage: cmake/test_arm64.sh   (packages: cmake/install_packages.sh detect test arm64)
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build/arm64
gtest=/usr/src/googletest/googletest
mkdir -p "$build/include"
ln -sfn /usr/include/hwy "$build/include/hwy"
ln -sfn /usr/include/fmt "$build/include/fmt"
cd "$build"
{
  ls "$root"/src/runtime/kernels/*.cc
  for name in check cpu cpu_quota crc32c file memory part_file; do
    echo "$root/src/base/$name.cc"
  done
  echo "$root/src/graph/calibration.cc"
  echo "$root/src/graph/tensor.cc"
  echo "$root/src/image/image.cc"
  echo "$gtest/src/gtest-all.cc"
  echo "$gtest/src/gtest_main.cc"
} | xargs -n 1 -P "$(nproc)" aarch64-linux-gnu-g++ -std=c++20 -O2 -DFMT_HEADER_ONLY \
  -I"$root/include" -I"$root/src" -Iinclude -I"$gtest/include" -I"$gtest" -c
aarch64-linux-gnu-g++ -static ./*.o -lpthread -o kernels_test
for cpu in cortex-a72 cortex-a76 max; do
  echo "== $cpu"
  qemu-aarch64 -cpu $cpu ./kernels_test
done
