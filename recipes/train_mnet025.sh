#!/bin/sh
# Trains the built-in model again: weights/mnet025.safetensors is OUT/distilled/best.safetensors.
#
#     recipes/train_mnet025.sh DATA OUT
#
# DATA holds wider/train, wider/val, mtfl, masks (each images/ and label.txt), wider/ground_truth,
# weights/scrfd_2.5g_kps.onnx and weights/mobilenet0.25_Final.pth, the teachers, and
# weights/interim_mnet025.safetensors, this project's first model, which itself came of
# mnet025-fast.toml's kind of training from ImageNet's backbone. Six hours on two cores; a stage that
# stands in OUT is not repeated, one that was interrupted goes on.
set -eu
[ $# -eq 2 ] || { echo "usage: $0 DATA OUT" >&2; exit 2; }
data=$1
out=$2
recipes=$(dirname "$0")
program=${RETINAFACE:-build/release/bin/retinaface}
mkdir -p "$out"

labels() {  # labels SET NAME OPTIONS...
  set_folder=$1
  name=$2
  shift 2
  [ -s "$out/labels/$name/label.txt" ] ||
    "$recipes/teacher_labels.py" "$data/weights/scrfd_2.5g_kps.onnx" "$set_folder" "$out/labels/$name" "$@"
}

stage() {  # stage NAME OPTIONS...
  name=$1
  shift
  [ -e "$out/$name/done" ] && return
  resume=
  [ -e "$out/$name/checkpoint.safetensors" ] && resume=--resume
  "$program" train "$recipes/mnet025-$name.toml" --out "$out/$name" --val "$data/wider/val" $resume "$@"
  touch "$out/$name/done"
}

stage long --data "$data/wider/train" --data "$data/wider/train" --data "$data/mtfl" \
  --init "$data/weights/interim_mnet025.safetensors" --seed 1
stage points --data "$data/wider/train" --data "$data/wider/train" --data "$data/mtfl" \
  --init "$out/long/best.safetensors" --seed 11 --threads 1 --steps 4644
labels "$data/wider/train" wider --face 2 --ignored 0.5
labels "$data/mtfl" mtfl
labels "$data/masks" masks --boxes
stage teacher --data "$out/labels/wider" --data "$out/labels/wider" --data "$out/labels/mtfl" \
  --data "$out/labels/masks" --init "$out/points/last.safetensors" --seed 12 --threads 1
[ -s "$out/public.safetensors" ] ||
  "$program" import "$data/weights/mobilenet0.25_Final.pth" -o "$out/public.safetensors"
stage distilled --data "$out/labels/wider" --data "$out/labels/wider" --data "$out/labels/wider" \
  --data "$out/labels/mtfl" --data "$out/labels/masks" --init "$out/teacher/best.safetensors" \
  --teacher "$out/public.safetensors" --seed 21
