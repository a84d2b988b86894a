#!/bin/bash
# Makes the mesh branch of the built-in model anew, from the data folder to the figures (doc/mesh.md):
#
#     tools/mesh/repeat.sh DATA OUT [BIN]
#
# DATA holds ict/, weights/facemesh_feige.onnx, wider/train and mtfl; OUT gets everything, at its end
# OUT/mesh/last.safetensors, the model with its branch. BIN is where retinaface is, build/release/bin
# by default. What is there already is not made again; training goes on where it was. About ten minutes
# on two free cores. SHORT=1 does every step on a part of the data for a part of the time, to see that
# all of them still work: its figures mean nothing.
set -euo pipefail
data=$1 out=$2 bin=${3:-build/release/bin}
here=$(dirname "$0")
mkdir -p "$out"
labels_options=() decoder_options=() decoder_changes=() head_changes=()
if [ -n "${SHORT:-}" ]; then
  labels_options=(--every 25)
  decoder_options=(--faces 60)
  decoder_changes=(--set decoder.epochs=1 --set decoder.channels=4)
  head_changes=(--set points.epochs=1 --set colors.epochs=1 --set all.epochs=1)
fi

python=$out/venv/bin/python
if [ ! -x "$python" ]; then
  python3 -m venv "$out/venv"
  "$out/venv/bin/pip" install --quiet numpy scipy onnxruntime pillow
fi
export OPENBLAS_NUM_THREADS=1

# With --resume if there is a checkpoint of it; not again what has ended.
train() {
  local recipe=$1 run=$2
  shift 2
  if [ -s "$run/last.safetensors" ]; then return; fi
  if [ -s "$run/checkpoint.safetensors" ]; then set -- "$@" --resume; fi
  "$bin/retinaface" train "$here/../../recipes/$recipe.toml" --out "$run" "$@"
}

ict=$data/ict/ict_face.npz
topology=$here/../../src/mesh/topology.safetensors
"$python" "$here/topology.py" "$ict" "$out/topology.safetensors"
cmp "$out/topology.safetensors" "$topology" ||
  echo "the topology differs from the committed one, which the rest goes on with"

labels=$out/labels.jsonl
if [ ! -s "$labels" ]; then
  "$python" "$here/labels.py" "$data/weights/facemesh_feige.onnx" --wider "$data/wider/train" \
    --mtfl "$data/mtfl" "${labels_options[@]}" -o "$labels.part"
  mv "$labels.part" "$labels"
fi
decoder=$out/decoder.safetensors
if [ ! -s "$decoder" ]; then
  "$python" "$here/decoder.py" "$ict" "$topology" "$labels" --images "$data" \
    --samples "$out/samples.safetensors" "${decoder_options[@]}" -o "$decoder"
fi
train mesh-decoder "$out/mesh-decoder" --data "$out/samples.safetensors" --decoder "$decoder" \
  "${decoder_changes[@]}"
if [ ! -s "$out/made/labels.jsonl" ]; then
  "$python" "$here/made_faces.py" "$ict" "$topology" "$decoder" "$labels" --images "$data" \
    -o "$out/made"
fi

for recipe in mesh mesh-five mesh-vertices; do
  run=$out/$recipe
  train $recipe "$run" --data "$labels" --images "$data" --decoder "$decoder" "${head_changes[@]}"
  for refine in "" --mesh-refine; do
    # shellcheck disable=SC2086  # none or one option
    for set in "real $labels $data" "made $out/made/labels.jsonl $out/made"; do
      read -r name file images <<<"$set"
      echo "$recipe, $name faces $refine"
      "$bin/retinaface" evaluate mesh --labels "$file" --images "$images" $refine \
        --model "$run/last.safetensors" --json "$run/$name$refine.json" --overwrite
    done
  done
  "$bin/retinaface" evaluate landmarks --aflw "$data/aflw" --mesh --model "$run/last.safetensors"
done
"$python" "$here/montage.py" "$out/mesh/made.json" --images "$out/made" \
  --program "$bin/retinaface" --model "$out/mesh/last.safetensors" --worst 10 --others 20 \
  -o "$out/thirty_faces.jpg"
