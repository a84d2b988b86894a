#!/usr/bin/env python3
"""Writes tests/data/operators.json: what PyTorch computes for each operator of src/graph.

The oracle of runtime/reference, which in turn is the oracle of the fast runtimes. Needs
python3-torch; the file is committed, so that tests do not.
Usage: tests/make_operator_fixtures.py > tests/data/operators.json
"""
import json
import sys

import torch
import torch.nn.functional as F

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)


def tensor(*shape):
    """Values of three decimals, which JSON holds exactly enough and briefly."""
    return (torch.randn(*shape) * 1000).round() / 1000


def dump(t):
    return {"shape": list(t.shape), "values": [round(v, 9) for v in t.flatten().tolist()]}


def case(operator, attributes, inputs, output, parameters=None):
    return {
        "operator": operator,
        "attributes": attributes,
        "inputs": [dump(t) for t in inputs],
        "parameters": {name: dump(t) for name, t in (parameters or {}).items()},
        "output": dump(output),
    }


def convolution(size, channels, out_channels, kernel, stride, padding, groups, bias):
    x = tensor(1, channels, *size)
    weight = tensor(out_channels, channels // groups, kernel, kernel)
    parameters = {"weight": weight}
    if bias:
        parameters["bias"] = tensor(out_channels)
    y = F.conv2d(x, weight, parameters.get("bias"), stride, padding, 1, groups)
    attributes = dict(out_channels=out_channels, kernel=kernel, stride=stride, padding=padding,
                      groups=groups, bias=bias)
    return case("Convolution", attributes, [x], y, parameters)


def batch_norm(size, channels, epsilon):
    x = tensor(1, channels, *size)
    mean, weight, bias = tensor(channels), tensor(channels), tensor(channels)
    var = tensor(channels).abs() + 0.01
    y = F.batch_norm(x, mean, var, weight, bias, False, 0.0, epsilon)
    return case("BatchNorm", dict(epsilon=epsilon), [x], y,
                dict(weight=weight, bias=bias, running_mean=mean, running_var=var))


def leaky_relu(slope):
    x = tensor(1, 2, 3, 5)
    return case("LeakyRelu", dict(slope=slope), [x], F.leaky_relu(x, slope))


def add():
    a, b = tensor(1, 2, 3, 5), tensor(1, 2, 3, 5)
    return case("Add", {}, [a, b], a + b)


def concat(*channels):
    parts = [tensor(1, c, 3, 5) for c in channels]
    return case("Concat", {}, parts, torch.cat(parts, 1))


def upsample_like(size, target):
    x, like = tensor(1, 2, *size), torch.zeros(1, 1, *target)
    return case("UpsampleLike", {}, [x, like], F.interpolate(x, size=target, mode="nearest"))


def max_pool(size, kernel, stride, padding):
    x = tensor(1, 2, *size) - 3  # negative: padding must not win
    y = F.max_pool2d(x, kernel, stride, padding)
    return case("MaxPool", dict(kernel=kernel, stride=stride, padding=padding), [x], y)


CASES = [
    convolution((5, 7), 3, 4, 3, 1, 1, 1, True),
    convolution((5, 7), 3, 4, 3, 2, 1, 1, False),
    convolution((6, 4), 4, 4, 3, 2, 1, 4, False),
    convolution((6, 4), 4, 6, 3, 1, 1, 2, True),
    convolution((1, 1), 2, 3, 3, 2, 1, 1, True),
    convolution((1, 9), 2, 3, 1, 1, 0, 1, True),
    convolution((11, 13), 3, 2, 7, 4, 3, 1, False),
    convolution((8, 5), 1, 2, 5, 3, 0, 1, False),
    batch_norm((3, 4), 3, 1e-5),
    batch_norm((1, 1), 2, 1e-3),
    leaky_relu(0.0),
    leaky_relu(0.1),
    add(),
    concat(1, 2),
    concat(2, 3, 1),
    upsample_like((2, 3), (4, 6)),
    upsample_like((2, 3), (3, 5)),
    upsample_like((1, 1), (2, 1)),
    upsample_like((5, 7), (9, 13)),
    max_pool((7, 6), 3, 2, 1),
    max_pool((6, 6), 2, 2, 0),
    max_pool((1, 1), 3, 2, 1),
]
json.dump(CASES, sys.stdout, separators=(",", ":"))
print()
