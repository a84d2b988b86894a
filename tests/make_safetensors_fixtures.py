#!/usr/bin/env python3
"""Writes tests/data/safetensors: small files of the format, from which the fuzzer of its reader starts.

Usage: tests/make_safetensors_fixtures.py
"""
import json
import pathlib
import struct

FOLDER = pathlib.Path(__file__).parent / "data/safetensors"


def write(name, header, data):
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (FOLDER / name).write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    floats = struct.pack("<6f", *range(6))
    write("float32.safetensors",
          {"__metadata__": {"format": "1", "model": "mnet025"},
           "conv.weight": {"dtype": "F32", "shape": [1, 2, 1, 2], "data_offsets": [0, 16]},
           "conv.bias": {"dtype": "F32", "shape": [2], "data_offsets": [16, 24]}}, floats)
    write("types.safetensors",
          {"half": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]},
           "brain": {"dtype": "BF16", "shape": [2, 1], "data_offsets": [4, 8]},
           "bytes": {"dtype": "U8", "shape": [4], "data_offsets": [8, 12]},
           "scalar": {"dtype": "F32", "shape": [], "data_offsets": [12, 16]}}, floats[:16])
    write("empty.safetensors", {}, b"")


if __name__ == "__main__":
    main()
