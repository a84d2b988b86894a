#!/bin/sh
# Builds a wheel for each of the interpreters, repairs it (tools/repair_wheel.py) into dist/, installs
# it into a clean virtual environment and runs python/tests there: nothing of the build is seen, no
# library may come from where Debian keeps those that were copied.
# Usage: tools/build_wheel.sh [PYTHON...]   (default: python3)
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
work=build/wheel-work

tools/python_environment.sh build wheel
for python in "${@:-python3}"; do
  name=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
  rm -rf "$work/$name"
  "$python" -m venv "$work/$name/build"
  echo "== $name: building"
  "$work/$name/build/bin/python" -m pip wheel -q --disable-pip-version-check --no-deps \
    -w "$work/$name/raw" .
  build/python-environment/bin/python tools/repair_wheel.py "$work/$name"/raw/*.whl \
    "$work/$name/repaired"
  mkdir -p dist
  cp "$work/$name"/repaired/*.whl dist/

  echo "== $name: testing in a clean environment"
  "$python" -m venv "$work/$name/test"
  clean=$root/$work/$name/test/bin/python
  "$clean" -m pip install -q --disable-pip-version-check "$work/$name"/repaired/*.whl pytest pillow
  (cd "$work/$name/test" && env -u PYTHONPATH -u LD_LIBRARY_PATH "$clean" "$root/tools/check_wheel.py")
  (cd "$work/$name/test" && env -u PYTHONPATH -u LD_LIBRARY_PATH PYTHONDONTWRITEBYTECODE=1 \
    RETINAFACE_DATA="${RETINAFACE_DATA:-$root/../shared/data}" \
    "$clean" -X dev -m pytest "$root/python/tests" -p no:cacheprovider -q -rs)
done
ls -l dist/*.whl
