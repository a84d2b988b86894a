#!/bin/bash
# Makes the mesh branch of the built-in model anew, from the data folder to the figures (doc/mesh.md):
#
#     tools/mesh/repeat.sh DATA OUT [BIN]
#
# DATA holds ict/, weights/facemesh_feige.onnx, wider/train and mtfl; OUT gets everything, at its end
# OUT/mesh/last.safetensors, the model with its branch. BIN is where retinaface is, build/release/bin
# by default. What is there already is not made again; training goes on where it was. About 20 minutes
# on two free cores.
set -euo pipefail
data=$1 out=$2 bin=${3:-build/release/bin}
here=$(dirname "$0")
mkdir -p "$out"

python=$out/venv/bin/python
if [ ! -x "$python" ]; then
  python3 -m venv "$out/venv"
  "$out/venv/bin/pip" install --quiet numpy scipy onnxruntime pillow
fi
export OPENBLAS_NUM_THREADS=1

ict=$data/ict/ict_face.npz
topology=$here/../../src/mesh/topology.safetensors
"$python" "$here/topology.py" "$ict" "$out/topology.safetensors"
cmp "$out/topology.safetensors" "$topology" ||
  echo "the topology differs from the committed one, which the rest goes on with"

labels=$out/labels.jsonl
if [ ! -s "$labels" ]; then
  "$python" "$here/labels.py" "$data/weights/facemesh_feige.onnx" --wider "$data/wider/train" \
    --mtfl "$data/mtfl" -o "$labels.part"
  mv "$labels.part" "$labels"
fi
decoder=$out/decoder.safetensors
if [ ! -s "$decoder" ]; then
  "$python" "$here/decoder.py" "$ict" "$topology" "$labels" --images "$data" -o "$decoder"
fi
if [ ! -s "$out/made/labels.jsonl" ]; then
  "$python" "$here/made_faces.py" "$ict" "$topology" "$decoder" "$labels" --images "$data" \
    -o "$out/made"
fi

for recipe in mesh mesh-five; do
  resume=()
  if [ -s "$out/$recipe/checkpoint.safetensors" ]; then resume=(--resume); fi
  "$bin/retinaface" train "$here/../../recipes/$recipe.toml" --data "$labels" --images "$data" \
    --decoder "$decoder" --out "$out/$recipe" "${resume[@]}"
  for set in "$labels --images $data" "$out/made/labels.jsonl"; do
    # shellcheck disable=SC2086  # the set is a file and perhaps an option
    "$bin/retinaface" evaluate mesh --labels $set --model "$out/$recipe/last.safetensors"
  done
  "$bin/retinaface" evaluate landmarks --aflw "$data/aflw" --mesh \
    --model "$out/$recipe/last.safetensors"
done
