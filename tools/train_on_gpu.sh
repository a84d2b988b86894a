#!/bin/sh
# Trains by a recipe for a given time on a machine that is rented with a GPU: unpacks the data, measures
# how fast it goes, sets the number of epochs so that the learning rate ends when the time does, and
# leaves what is worth keeping in $OUT.
#
#     train_on_gpu.sh unpack
#     train_on_gpu.sh measure [OPTIONS OF retinaface train...]
#     train_on_gpu.sh train SECONDS [OPTIONS...]
#
# The folder that this file is in holds bundle/ (retinaface-train in bin/ and its libraries in lib/; or
# bundle.tar.xz of that), partN/data.tar.gz (pack_training_data.py) and recipe.toml. From the
# environment:
#     SETS      sets by their names in the pack, as often as each shall count (default: learn learn
#               learn mtfl masks)
#     BACKEND   options that choose backend and device (default: --backend autograd --device cuda)
#     STEPS     to measure by (default: 80)
#     SPEED     images/s, if measured before
#     THREADS   of the loader and of losses (default: all processors)
#     RETINAFACE_TRAIN  the program (default: retinaface-train in bundle/ or bundle/bin/)
#     OUT       folder for what comes back (default: out beside this file)
# SIGTERM ends training with a checkpoint; so does the end of the time, should the speed have fallen.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sets=${SETS:-learn learn learn mtfl masks}
backend=${BACKEND:---backend autograd --device cuda}
threads=${THREADS:-$(nproc)}
out=${OUT:-$here/out}
data=$here/data

if [ -e "$here/bundle.tar.xz" ] && [ ! -d "$here/bundle" ]; then
  mkdir "$here/bundle"
  tar -xJf "$here/bundle.tar.xz" -C "$here/bundle" ||
    python3 -m tarfile -e "$here/bundle.tar.xz" "$here/bundle"
fi
# The bundle's libraries, then those of an installed PyTorch, whose libtorch knows the GPU.
program=${RETINAFACE_TRAIN:-}
for folder in "$here/bundle" "$here/bundle/bin"; do
  [ -n "$program" ] || [ ! -x "$folder/retinaface-train" ] || program=$folder/retinaface-train
done
torch=$(python3 -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])' \
  2>/dev/null) || torch=
for folder in "$torch/lib" "$here/bundle" "$here/bundle/lib"; do
  [ ! -d "$folder" ] || LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
done
export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:-}"

fail() {
  echo "train_on_gpu.sh: $*" >&2
  exit 1
}

unpack() {
  for part in "$here"/part*/data.tar.gz; do
    [ -e "$part" ] || fail "$here: expected part1/data.tar.gz, part2/data.tar.gz ..."
    [ "$part" -ot "$part.unpacked" ] || {
      mkdir -p "$data"
      tar -xzf "$part" -C "$data"
      touch "$part.unpacked"
    }
  done
}

# Images of a pass over all sets.
images() {
  total=0
  for set in $sets; do
    [ -s "$data/$set/label.txt" ] || fail "$data/$set/label.txt: expected a set, there is none"
    # RetinaFace's form names an image in a line that starts with #, MTFL's in every line.
    pattern=.
    ! grep -q '^#' "$data/$set/label.txt" || pattern='^#'
    count=$(grep -c "$pattern" "$data/$set/label.txt")
    total=$((total + count))
  done
  echo "$total"
}

# run FOLDER OPTIONS...: becomes the training, so that a signal to this process is one to that.
run() {
  [ -n "$program" ] || fail "$here/bundle: expected retinaface-train, there is none"
  folder=$1
  shift
  for set in $sets; do
    set -- "$@" --data "$data/$set"
  done
  # shellcheck disable=SC2086  # several options
  exec "$program" train "$here/recipe.toml" --out "$folder" --threads "$threads" --cache-mb 40000 \
    $backend "$@"
}

measure() {
  rm -rf "$here/measured"
  (run "$here/measured" --steps "${STEPS:-80}" "$@") >&2
  sed -n '$s/.*"images_per_second": *\([0-9.]*\).*/\1/p' "$here/measured/metrics.jsonl"
}

train() {
  started=$(date +%s)
  seconds=$1
  shift
  speed=${SPEED:-$(measure "$@")}
  [ -n "$speed" ] || fail "$here/measured/metrics.jsonl: expected images_per_second"
  left=$((seconds - $(date +%s) + started))
  # A twentieth of the time is kept for the start, the checkpoints and a slower half.
  epochs=$(awk -v s="$speed" -v t="$left" -v n="$(images)" \
    'BEGIN { e = int(0.95 * s * t / n); print (e > 0 ? e : 1) }')
  echo "train_on_gpu.sh: $speed images/s, $left s, $epochs epochs" >&2
  rm -rf "$here/run"
  trap : TERM INT  # the training is told below; what it has written comes back
  (
    run "$here/run" --set "schedule.epochs = $epochs" --set "schedule.warmup_epochs = \
$(awk -v e="$epochs" 'BEGIN { print e * 0.03 }')" "$@" &
    pid=$!
    (
      sleep "$left"
      kill -TERM $pid 2>/dev/null
    ) &
    watch=$!
    trap 'kill -TERM $pid' TERM INT
    status=0
    wait $pid || status=$?
    # A signal that is trapped ends the wait, not the training, which has a checkpoint to write.
    while kill -0 $pid 2>/dev/null; do sleep 1; done
    kill $watch 2>/dev/null || true
    exit $status
  ) || echo "train_on_gpu.sh: training ended with status $?" >&2
  mkdir -p "$out"
  for file in last.safetensors checkpoint.safetensors metrics.jsonl recipe.toml; do
    [ ! -e "$here/run/$file" ] || cp "$here/run/$file" "$out/"
  done
  [ -e "$out/last.safetensors" ] || fail "no weights were written"
}

[ $# -ge 1 ] || fail "expected unpack, measure or train SECONDS"
command=$1
shift
case $command in
  unpack) unpack ;;
  measure)
    unpack
    measure "$@"
    ;;
  train)
    [ $# -ge 1 ] || fail "expected train SECONDS"
    unpack
    train "$@"
    ;;
  *) fail "expected unpack, measure or train SECONDS, found '$command'" ;;
esac
