#!/bin/sh
# Trains the built-in model again: weights/mnet025.safetensors is OUT/mnet025.safetensors.
#
#     tools/train_mnet025.sh DATA OUT
#
# DATA holds wider/train, wider/val, mtfl, masks (each images/ and label.txt), wider/ground_truth,
# weights/mobilenetV1X0.25_pretrain.tar, the backbone trained on ImageNet, and the teachers
# weights/scrfd_2.5g_kps.onnx and weights/mobilenet0.25_Final.pth. Eight hours on two cores; a stage
# that stands in OUT is not repeated, one that was interrupted goes on. reports/training_log.md says what
# each stage was for (K to O, S).
set -eu
[ $# -eq 2 ] || { echo "usage: $0 DATA OUT" >&2; exit 2; }
data=$1
out=$2
tools=$(dirname "$0")
recipes=$tools/../recipes
program=${RETINAFACE:-build/release/bin/retinaface}
mkdir -p "$out"

labels() {  # labels NAME SET OPTIONS...
  name=$1
  set_folder=$2
  shift 2
  [ -s "$out/labels/$name/label.txt" ] ||
    "$tools/teacher_labels.py" "$data/weights/scrfd_2.5g_kps.onnx" "$set_folder" "$out/labels/$name" "$@"
}

imported() {  # imported NAME CHECKPOINT OPTIONS...
  file=$out/$1.safetensors
  checkpoint=$data/weights/$2
  shift 2
  [ -s "$file" ] || "$program" import "$checkpoint" -o "$file" "$@"
}

start=backbone
teachers=public
stage() {  # stage NAME RECIPE SEED STEPS CHANGES...: goes on from the stage before, with $sets, $teachers
  name=$1
  recipe=$recipes/mnet025-$2.toml
  seed=$3
  steps=$4
  shift 4
  for change in "$@"; do
    set -- "$@" --set "$change"
    shift
  done
  for set in $sets; do
    set -- "$@" --data "$out/labels/$set"
  done
  for teacher in $teachers; do
    set -- "$@" --teacher "$out/$teacher.safetensors"
  done
  [ -z "$teachers" ] || set -- "$@" --val "$data/wider/val"
  if [ ! -e "$out/$name/done" ]; then
    [ ! -e "$out/$name/checkpoint.safetensors" ] || set -- "$@" --resume
    "$program" train "$recipe" --out "$out/$name" --init "$out/$start.safetensors" --seed "$seed" \
      --steps "$steps" "$@"
    touch "$out/$name/done"
  fi
  start=$name/last
}

sharp_stage() {  # the same, of crops that are hardly enlarged
  stage "$@" schedule.learning_rate=0.0012 input.side_px=512 input.batch=24 \
    'augmentation.crop = [0.55, 1.5]' 'augmentation.around_face_px = [12, 400]'
}

mixed() {  # mixed NAME PARTS SET: so many parts of the stage before and one of `shifted`, scores shifted
  name=$1
  parts=$2
  set_folder=$3
  set -- "$out/shifted.safetensors"
  while [ "$parts" -gt 0 ]; do
    set -- "$@" "$out/$start.safetensors"
    parts=$((parts - 1))
  done
  [ -s "$out/$name-mean.safetensors" ] ||
    "$tools/average_weights.py" "$out/$name-mean.safetensors" "$@"
  [ -s "$out/$name.safetensors" ] ||
    "$tools/shift_scores.py" "$out/$name-mean.safetensors" "$set_folder" "$out/$name.safetensors" \
      --max-loss 0.5 --program "$program"
}

labels wider "$data/wider/train" --face 2 --ignored 0.5
labels wider_soft "$data/wider/train" --soft
labels mtfl "$data/mtfl"
labels masks "$data/masks" --boxes
imported backbone mobilenetV1X0.25_pretrain.tar --part backbone --model mnet025
imported public mobilenet0.25_Final.pth

sets="wider wider wider mtfl masks"
stage heads distilled 71 400 'optimizer.frozen = ["body"]' optimizer.average_decay=0.99 \
  schedule.learning_rate=0.004 'schedule.decay = "steps"' schedule.epochs=1 \
  schedule.warmup_epochs=0.03 distillation.temperature=1 distillation.min_weight=0 \
  distillation.landmarks_weight=2
stage distilled-1 distilled 72 803 schedule.epochs=7 schedule.warmup_epochs=0.1 \
  distillation.temperature=1 distillation.min_weight=0
stage distilled-2 distilled 73 1777 'schedule.decay = "steps"' distillation.min_weight=0.003
stage distilled-3 distilled 75 3212
stage distilled-4 distilled 76 699 'schedule.decay = "steps"'
stage distilled-5 distilled 78 409 'schedule.decay = "steps"' schedule.learning_rate=0.001 \
  optimizer.frozen_statistics=true optimizer.weight_decay=0.001 loss.cls_weight=0.05 \
  loss.box_weight=0.05
stage refined-1 refined 79 375 schedule.learning_rate=0.0012 schedule.epochs=9 loss.cls_weight=0.2 \
  loss.box_weight=0.2 loss.landmarks_weight=0.2 distillation.min_score=0.1 \
  distillation.box_weight=3 distillation.landmarks_weight=1
stage refined-2 refined 81 483 schedule.learning_rate=0.0012 schedule.epochs=7 \
  optimizer.average_decay=0.999 loss.cls_weight=0.2 loss.box_weight=0.2 loss.landmarks_weight=0.2 \
  distillation.min_score=0.1 distillation.box_weight=3 distillation.landmarks_weight=1 \
  input.batch=8 'augmentation.crop = [0.4, 1.5]' 'augmentation.around_face_px = [8, 200]'
stage refined-3 refined 82 449 schedule.learning_rate=0.0013 loss.cls_weight=0.2 \
  loss.box_weight=0.1 loss.landmarks_weight=0.2 distillation.landmarks_weight=1 \
  'augmentation.crop = [0.4, 1.5]' 'augmentation.around_face_px = [8, 300]'
stage refined-4 refined 92 803 schedule.learning_rate=0.0012 schedule.epochs=1 \
  optimizer.average_decay=0.995 loss.cls_weight=0.2 loss.box_weight=0.1 loss.landmarks_weight=0.5
sets="wider_soft wider_soft wider_soft mtfl masks"
stage refined-5 refined 93 4818
sets_of_sharp="wider_soft wider_soft wider_soft mtfl mtfl masks"
sets_of_points="wider_soft mtfl mtfl mtfl"
sets=$sets_of_sharp
stage refined-6 refined 96 1418 loss.landmarks_weight=2 schedule.epochs=10 input.side_px=384 \
  input.batch=40 'augmentation.crop = [0.6, 1.5]' augmentation.around_face=0.3 \
  'augmentation.around_face_px = [10, 300]'
sharp_stage refined-7 refined 97 3075 loss.landmarks_weight=2 schedule.epochs=5
sets=$sets_of_points
teachers=
stage points-1 points 94 350
sets=$sets_of_sharp
teachers=public
sharp_stage refined-8 refined 98 2610 loss.landmarks_weight=4 schedule.epochs=8
sharp_stage refined-9 refined 99 4920 loss.landmarks_weight=4 schedule.epochs=8 \
  distillation.landmarks_weight=1 distillation.mirrored=true
stage refined-10 refined 100 1846 loss.landmarks_weight=6 schedule.epochs=2 \
  schedule.learning_rate=0.0008 'augmentation.crop = [0.7, 1.5]' \
  'augmentation.around_face_px = [12, 600]' distillation.landmarks_weight=1 \
  distillation.mirrored=true
start=refined
[ -s "$out/$start.safetensors" ] ||
  "$tools/average_weights.py" "$out/$start.safetensors" "$out/refined-9/last.safetensors" \
    "$out/refined-10/last.safetensors"
sets=$sets_of_points
teachers=$start
stage points-2 context 94 552
[ -s "$out/shifted.safetensors" ] ||
  "$tools/shift_scores.py" "$out/$start.safetensors" "$data/wider/train" "$out/shifted.safetensors" \
    --program "$program"
start=shifted

imported scrfd scrfd_2.5g_kps.onnx
[ -s "$out/labels/learn/label.txt" ] ||
  "$tools/hold_out.py" "$data/wider/train" "$out/labels/learn" "$out/labels/held"
sets="learn learn learn mtfl masks"
teachers="scrfd shifted"
stage two-teachers-1 two-teachers 201 1992
stage two-teachers-2 two-teachers 202 1329 'distillation.teachers = [1, 1, 2]' \
  schedule.learning_rate=0.0018 schedule.epochs=6 schedule.warmup_epochs=0.05
stage two-teachers-3 two-teachers 203 2322 schedule.learning_rate=0.0015 schedule.epochs=3 \
  schedule.warmup_epochs=0.03
stage two-teachers-4 two-teachers 204 774 schedule.learning_rate=0.0012 schedule.epochs=1 \
  schedule.warmup_epochs=0.03 augmentation.gray=0.1 augmentation.degrade=0.4 optimizer.average_decay=0.995

mixed teacher 3 "$data/wider/train"
teachers="scrfd teacher"
stage two-teachers-5 two-teachers 401 6966 schedule.learning_rate=0.0018 \
  'augmentation.around_face_px = [8, 640]' augmentation.gray=0.07 augmentation.degrade=0.3
mixed mnet025 6 "$out/labels/learn"
