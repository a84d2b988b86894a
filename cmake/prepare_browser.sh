#!/bin/sh
# Gets ready what the page's test needs: Debian's chromium and Node.js, and npm's playwright-core in a
# folder. Where they cannot be had it says so, and the test is skipped; it never fails.
# Usage: cmake/prepare_browser.sh FOLDER
set -u
version=1.65.1
folder=$1
[ -f "$folder/node_modules/playwright-core/package.json" ] && [ -x /usr/bin/chromium ] && exit 0

without() {
  echo "The page's test will be skipped: $1"
  exit 0
}
"$(dirname "$0")"/install_packages.sh browser >/dev/null 2>&1 || without "chromium and nodejs cannot be installed"
# Some packages of Node.js bring npm, Debian's does not.
command -v npm >/dev/null || "$(dirname "$0")"/install_packages.sh npm >/dev/null 2>&1 ||
  without "npm cannot be installed"
mkdir -p "$folder"
timeout 60 npm install --prefix "$folder" --no-save --no-audit --no-fund --loglevel=error \
  "playwright-core@$version" >/dev/null 2>&1 || without "npm cannot be reached"
