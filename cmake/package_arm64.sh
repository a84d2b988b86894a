#!/bin/sh
# The Debian package for arm64, cross-compiled; that of the service is for every architecture.
# Usage: cmake/package_arm64.sh NATIVE.deb
#   NATIVE.deb: the package for this machine. It says what the other one depends on, too: both are of
#   the same sources against the same release; that they ask for the same libraries is checked.
set -eu
cd "$(dirname "$0")/.."
native=$1
build=build/package-arm64
cmake/arm64_sysroot.sh
cmake --preset arm64 --log-level=WARNING -B $build \
  -DRETINAFACE_PACKAGE_DEPENDS="$(dpkg-deb -f "$native" Depends)"
cmake --build $build
cpack --config $build/CPackConfig.cmake

libraries() {  # of a package's program and library
  rm -rf $build/unpacked
  dpkg-deb -x "$1" $build/unpacked
  find $build/unpacked/usr/bin $build/unpacked/usr/lib -type f -exec readelf -d {} + 2>/dev/null |
    sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v '^ld-linux' | sort -u
}
libraries "$native" > $build/native-libraries
libraries $build/package/retinaface_*_arm64.deb > $build/libraries
extra=$(comm -13 $build/native-libraries $build/libraries)
[ -z "$extra" ] || { echo "the arm64 package asks for libraries that $native does not:" $extra >&2; exit 1; }
