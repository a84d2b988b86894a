#!/usr/bin/python3
"""Brings a detector's scores to another's meaning: each logit times FACTOR, plus SHIFT, for good.

    apt-get install python3-numpy
    tools/scale_scores.py MODEL.safetensors FACTOR SHIFT OUT.safetensors

FACTOR and SHIFT are what tools/match_scores.py finds. A student begins so that its scores mean what
its teachers' are brought to (distillation.score_factor, score_shift). Boxes and points stay.
"""
import sys

from average_weights import read


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    header, tensors, values = read(sys.argv[1])
    try:
        factor, shift = float(sys.argv[2]), float(sys.argv[3])
    except ValueError:
        sys.exit("FACTOR, SHIFT: expected numbers")
    scaled = values.copy()
    for name, tensor in tensors.items():
        if not name.startswith("ClassHead."):
            continue
        begin, end = (offset // 4 for offset in tensor["data_offsets"])
        scaled[begin:end] *= factor
        if name.endswith(".bias"):  # background, face, for each anchor
            scaled[begin + 1:end:2] += shift
    with open(sys.argv[4], "wb") as file:
        file.write(header + scaled.tobytes())


if __name__ == "__main__":
    main()
