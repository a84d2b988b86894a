#!/usr/bin/python3
"""The mean of the weights of several networks of one kind (Izmailov et al. 2018, "Averaging weights
leads to wider optima and better generalization").

    apt-get install python3-numpy
    tools/average_weights.py OUT.safetensors A.safetensors B.safetensors ...

They must be stages of one training: networks that learnt apart have nothing in common to average.
"""
import json
import struct
import sys

import numpy as np


def read(path):
    """The header, as it stands in the file, its tensors, and all their values; float32 only."""
    with open(path, "rb") as file:
        content = file.read()
    try:
        end = 8 + struct.unpack("<Q", content[:8])[0]
        tensors = json.loads(content[8:end])
        tensors.pop("__metadata__", None)
        if not tensors or any(tensor["dtype"] != "F32" for tensor in tensors.values()):
            raise ValueError
        return content[:end], tensors, np.frombuffer(content[end:], np.float32)
    except (ValueError, struct.error, AttributeError, KeyError, TypeError):
        sys.exit(f"{path}: expected a .safetensors file of float32 tensors")


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    header, tensors, values = read(sys.argv[2])
    total = values.astype(np.float64)
    for path in sys.argv[3:]:
        _, others, values = read(path)
        if others != tensors:
            sys.exit(f"{path}: expected the tensors of {sys.argv[2]}")
        total += values
    with open(sys.argv[1], "wb") as file:
        file.write(header + (total / (len(sys.argv) - 2)).astype(np.float32).tobytes())


if __name__ == "__main__":
    main()
