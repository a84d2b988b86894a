#!/usr/bin/env bash
# Prints the commit that the change begins after: BASE or, without it, where this branch left origin/main
# or, on that itself, the commit before the last. Nothing where there is none.
# Usage: cmake/base_of_change.sh [BASE]
set -euo pipefail
cd "$(dirname "$0")/.."
base=${1:-$(git merge-base HEAD origin/main 2>/dev/null || true)}
if [ -z "$base" ] || [ "$(git rev-parse "$base")" = "$(git rev-parse HEAD)" ]; then
  base=$(git rev-parse --verify --quiet HEAD~1) || exit 0
fi
echo "$base"
