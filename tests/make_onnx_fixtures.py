#!/usr/bin/env python3
"""Makes tests/data/onnx: small networks of all operators that `retinaface import` reads, from which
fuzz/onnx_fuzz.cc starts. Usage: make_onnx_fixtures.py FOLDER. Needs onnx and numpy (PyPI).
"""
import pathlib
import sys

import numpy
from onnx import TensorProto, checker, helper, numpy_helper, save

RANDOM = numpy.random.default_rng(1)


class Builder:
    """A network in the making: nodes and the constants that they read."""

    def __init__(self, opset, sides=("height", "width")):
        self.opset = opset
        self.sides = sides
        self.nodes = []
        self.constants = []

    def constant(self, values, kind=numpy.float32):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(numpy.asarray(values, kind), name))
        return name

    def noise(self, *shape):
        return self.constant(RANDOM.normal(size=shape))

    def add(self, op, inputs, **attributes):
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def save(self, path, outputs, rank=3):
        graph = helper.make_graph(
            self.nodes, "small",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, *self.sides])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT,
                                           [f"extent{i}" for i in range(rank)])
             for name in outputs],
            self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        model.ir_version = 6
        checker.check_model(model)
        save(model, path)


def detector(folder, opset):
    """As YuNet: a head of 1, 1, 4 and 10 values a cell at strides 8, 16 and 32."""
    b = Builder(opset)
    maps = "image"
    levels = []
    channels = 3
    for _ in range(5):
        maps = b.add("Conv", [maps, b.noise(4, channels, 3, 3), b.noise(4)], strides=[2, 2],
                     pads=[1, 1, 1, 1])
        maps = b.add("Relu", [maps])
        channels = 4
        levels.append(maps)
    outputs = []
    for values, sigmoid in ((1, True), (1, True), (4, False), (10, False)):
        for level in levels[2:]:
            head = b.add("Conv", [level, b.noise(values, 4, 1, 1), b.noise(values)])
            if sigmoid:
                head = b.add("Sigmoid", [head])
            head = b.add("Transpose", [head], perm=[0, 2, 3, 1])
            outputs.append(b.add("Reshape", [head, b.constant([1, -1, values], numpy.int64)]))
    b.save(folder / f"detector_{opset}.onnx", outputs)


def recognizer(folder):
    """As ArcFace's: residual steps, PRelu and a matrix of the whole map."""
    b = Builder(13, (112, 112))
    maps = b.add("Sub", ["image", b.constant([127.5])])
    maps = b.add("Mul", [maps, b.constant([1 / 128])])
    maps = b.add("Conv", [maps, b.noise(4, 3, 3, 3)], strides=[16, 16], pads=[1, 1, 1, 1])
    maps = b.add("BatchNormalization", [maps, b.noise(4), b.noise(4), b.noise(4),
                                        b.constant([1, 2, 3, 4])], epsilon=1e-5)
    maps = b.add("PRelu", [maps, b.noise(4, 1, 1)])
    maps = b.add("Add", [maps, b.add("Conv", [maps, b.noise(4, 1, 3, 3), b.noise(4)], group=4,
                                     pads=[1, 1, 1, 1])])
    flat = b.add("Flatten", [maps])
    b.save(folder / "recognizer.onnx",
           [b.add("Gemm", [flat, b.noise(8, 4 * 49), b.noise(8)], transB=1)], rank=2)


def operators(folder):
    """What is left, with the arithmetic of shapes."""
    b = Builder(16)
    maps = b.add("Conv", ["image", b.noise(6, 3, 3, 3)], pads=[1, 1, 1, 1])
    small = b.add("MaxPool", [maps], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    shape = b.add("Shape", [maps])
    axis = numpy.int64
    parts = [b.add("Unsqueeze", [b.add("Gather", [shape, b.constant(i, axis)]),
                                 b.constant([0], axis)]) for i in range(4)]
    sizes = b.add("Concat", parts, axis=0)
    up = b.add("Resize", [small, "", "", sizes], mode="nearest", nearest_mode="floor",
               coordinate_transformation_mode="asymmetric")
    up = b.add("Clip", [b.add("LeakyRelu", [up], alpha=0.1), b.constant(-1), b.constant(1)])
    both = b.add("Concat", [maps, up], axis=1)
    both = b.add("Slice", [both, b.constant([1], axis), b.constant([9], axis),
                           b.constant([1], axis), b.constant([2], axis)])
    gate = b.add("Sigmoid", [b.add("GlobalAveragePool", [both])])
    both = b.add("Mul", [both, gate])
    both = b.add("Pad", [both, b.constant([0, 0, 1, 0, 0, 0, 0, 2], axis), b.constant(0.5)],
                 mode="constant")
    places = b.add("Transpose", [b.add("Conv", [both, b.noise(2, 4, 1, 1)])], perm=[0, 2, 3, 1])
    both = b.add("GridSample", [both, places], mode="bilinear", padding_mode="border")
    both = b.add("AveragePool", [both], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    rows = b.add("Reshape", [b.add("Transpose", [both], perm=[0, 2, 3, 1]),
                             b.constant([1, -1, 2], axis)])
    b.save(folder / "operators.onnx", [b.add("Softmax", [rows], axis=-1)])


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    detector(folder, 11)
    detector(folder, 17)
    recognizer(folder)
    operators(folder)


main()
