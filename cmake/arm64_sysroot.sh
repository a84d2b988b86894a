#!/bin/sh
# Lays out arm64's libraries and headers in build/arm64-sysroot, which cmake/arm64.cmake compiles with:
# the -dev packages of cmake/packages.txt but for the trainer's. Nothing of them is run.
# Usage: cmake/arm64_sysroot.sh   (packages: cmake/install_packages.sh arm64)
set -eu
cd "$(dirname "$0")/.."
sysroot=build/arm64-sysroot
packages=$(awk '$1 ~ /^(detect|test)$/ && $2 ~ /-dev$/ { print $2 }' cmake/packages.txt | paste -sd,)
# Named by what is in it, so that another list makes another one.
[ "$(cat $sysroot/packages 2>/dev/null)" != "$packages" ] || exit 0
rm -rf $sysroot
mkdir -p build
echo "Laying out arm64's libraries in $sysroot"
mmdebstrap --quiet --variant=extract --architectures=arm64 --include="$packages" bookworm $sysroot
echo "$packages" > $sysroot/packages
