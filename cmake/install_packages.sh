#!/bin/sh
# Installs the Debian packages of the named groups (cmake/packages.txt) that are missing.
# Touches neither network nor privileges when nothing is missing.
# Usage: cmake/install_packages.sh detect test ...
set -eu
list=$(dirname "$0")/packages.txt

missing=
for group in "$@"; do
  packages=$(awk -v group="$group" '$1 == group { print $2 }' "$list")
  [ -n "$packages" ] || { echo "install_packages: no group '$group' in $list" >&2; exit 2; }
  for package in $packages; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
      missing="$missing $package"
  done
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "install_packages: not root and no sudo; install these packages first:$missing" >&2
    exit 1
  }
  as_root=sudo
fi
echo "Installing:$missing"
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
