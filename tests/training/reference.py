#!/usr/bin/python3
"""Trains mnet025 for ten steps with PyTorch and writes what came out as JSON.

The oracle of src/training: written from the papers' formulas with autograd and torch.optim, and
sharing nothing with the C++ trainer but this file's output. In double precision, and at a rate so
low that ten steps stay clear of chaos: from a random start, float32 and float64 runs of this same
script part by a tenth of the loss within ten steps at a rate of 1e-4. Run as
    tests/training/reference.py > tests/training/reference.json
(Debian: python3-torch, python3-numpy).
"""
import json
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

SIDE, BATCH, STEPS, RATE, SEED = 128, 4, 10, 5e-7, 7
LEVELS = [(8, [16, 32]), (16, [64, 128]), (32, [256, 512])]
MEAN = torch.tensor([104.0, 117.0, 123.0])  # blue, green, red


def conv_bn(cin, cout, kernel=3, stride=1, groups=1, slope=None):
    layers = [nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False),
              nn.BatchNorm2d(cout)]
    if slope is not None:
        layers.append(nn.LeakyReLU(slope))
    return nn.Sequential(*layers)


def separable(cin, cout, stride):
    return nn.Sequential(*conv_bn(cin, cin, 3, stride, cin, 0.1), *conv_bn(cin, cout, 1, 1, 1, 0.1))


class Body(nn.Module):
    def __init__(self):
        super().__init__()
        self.stage1 = nn.Sequential(conv_bn(3, 8, 3, 2, 1, 0.1), separable(8, 16, 1),
                                    separable(16, 32, 2), separable(32, 32, 1),
                                    separable(32, 64, 2), separable(64, 64, 1))
        self.stage2 = nn.Sequential(separable(64, 128, 2),
                                    *[separable(128, 128, 1) for _ in range(5)])
        self.stage3 = nn.Sequential(separable(128, 256, 2), separable(256, 256, 1))


class Pyramid(nn.Module):
    def __init__(self):
        super().__init__()
        for i, c in enumerate((64, 128, 256)):
            setattr(self, f"output{i + 1}", conv_bn(c, 64, 1, slope=0.1))
        self.merge1 = conv_bn(64, 64, slope=0.1)
        self.merge2 = conv_bn(64, 64, slope=0.1)

    def forward(self, maps):
        a, b, c = (getattr(self, f"output{i + 1}")(m) for i, m in enumerate(maps))
        b = self.merge2(b + F.interpolate(c, size=b.shape[2:], mode="nearest"))
        a = self.merge1(a + F.interpolate(b, size=a.shape[2:], mode="nearest"))
        return a, b, c


class Context(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv3X3 = conv_bn(64, 32)
        self.conv5X5_1 = conv_bn(64, 16, slope=0.1)
        self.conv5X5_2 = conv_bn(16, 16)
        self.conv7X7_2 = conv_bn(16, 16, slope=0.1)
        self.conv7x7_3 = conv_bn(16, 16)

    def forward(self, x):
        shared = self.conv5X5_1(x)
        return F.relu(torch.cat([self.conv3X3(x), self.conv5X5_2(shared),
                                 self.conv7x7_3(self.conv7X7_2(shared))], 1))


class Head(nn.Module):
    def __init__(self, values):
        super().__init__()
        self.conv1x1 = nn.Conv2d(64, 2 * values, 1)
        self.values = values

    def forward(self, x):
        return self.conv1x1(x).permute(0, 2, 3, 1).reshape(x.shape[0], -1, self.values)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.fpn = Body(), Pyramid()
        self.ssh1, self.ssh2, self.ssh3 = Context(), Context(), Context()
        self.ClassHead = nn.ModuleList(Head(2) for _ in range(3))
        self.BboxHead = nn.ModuleList(Head(4) for _ in range(3))
        self.LandmarkHead = nn.ModuleList(Head(10) for _ in range(3))

    def forward(self, x):
        one = self.body.stage1(x)
        two = self.body.stage2(one)
        three = self.body.stage3(two)
        maps = [c(m) for c, m in zip((self.ssh1, self.ssh2, self.ssh3),
                                     self.fpn([one, two, three]))]
        return [torch.cat([h(m) for h, m in zip(heads, maps)], 1)
                for heads in (self.ClassHead, self.BboxHead, self.LandmarkHead)]


def splitmix(seed, count):
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15) * np.arange(1, count + 1, dtype=np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def initialise(network, order):
    """The C++ trainer's random start: SplitMix64 and Box and Muller, in the graph's order."""
    state = network.state_dict()
    count = sum(state[name].numel() for name in order if state[name].dim() == 4)
    uniform = ((splitmix(SEED, 2 * count) >> np.uint64(11)) + np.uint64(1)).astype(np.float64) * 2.0**-53
    normal = np.sqrt(-2 * np.log(uniform[0::2])) * np.cos(2 * np.pi * uniform[1::2])
    used = 0
    for name in order:
        tensor = state[name]
        if tensor.dim() == 4:
            fan_in = tensor[0].numel()
            values = normal[used:used + tensor.numel()] * np.sqrt(2 / fan_in)
            used += tensor.numel()
            tensor.copy_(torch.from_numpy(values.astype(np.float64)).reshape(tensor.shape))
        else:
            tensor.fill_(1.0 if name.endswith((".weight", "var")) else 0.0)


def image(n):
    """Random blocks of 8 x 8 pixels: what varies at every scale keeps all channels' variances away
    from 0, where normalisation would blow rounding up."""
    blocks = (splitmix(1000 + n, (SIDE // 8) ** 2 * 3) >> np.uint64(56)).astype(np.uint8)
    return blocks.reshape(SIDE // 8, SIDE // 8, 3).repeat(8, 0).repeat(8, 1)


FACES = [
    [{"box": [10, 12, 40, 50], "points": [18, 25, 31, 24, 25, 33, 19, 41, 30, 42]},
     {"box": [70, 60, 121, 126], "points": [82, 85, 108, 84, 95, 98, 84, 110, 107, 111]}],
    [{"box": [5, 5, 125, 120], "points": [40, 45, 90, 44, 65, 70, 45, 95, 88, 94]}],
    [],
    [{"box": [50, 20, 66, 41], "points": None}, {"box": [60, 30, 80, 55], "points": None},
     {"box": [90.5, 90, 100, 101], "points": [92, 94, 97, 94, 95, 96, 93, 98, 98, 98]}],
]


def anchors():
    rows = []
    for stride, sizes in LEVELS:
        for i in range(-(-SIDE // stride)):
            for j in range(-(-SIDE // stride)):
                rows += [((j + 0.5) * stride, (i + 0.5) * stride, s) for s in sizes]
    return np.array(rows)


def match(faces, priors):
    """SSD's rule at 0.35, each face's best anchor forced where it overlaps by 0.2."""
    result = np.full(len(priors), -1)
    if not faces:
        return result
    boxes = np.array([f["box"] for f in faces], dtype=float)
    corners = np.concatenate([priors[:, :2] - priors[:, 2:] / 2, priors[:, :2] + priors[:, 2:] / 2], 1)
    low = np.maximum(corners[:, None, :2], boxes[None, :, :2])
    high = np.minimum(corners[:, None, 2:], boxes[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), 2)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], 1)
    iou = shared / (priors[:, 2:] ** 2 + area[None] - shared)
    result[iou.max(1) >= 0.35] = iou.argmax(1)[iou.max(1) >= 0.35]
    for face in range(len(faces)):
        if iou[:, face].max() >= 0.2:
            result[iou[:, face].argmax()] = face
    return result


def losses(outputs, matches, priors):
    cls, box, points = outputs
    sums = [0, 0, 0]
    positives = with_points = 0
    for n, (faces, matched) in enumerate(zip(FACES, matches)):
        chosen = np.flatnonzero(matched >= 0)
        positives += len(chosen)
        entropy = F.cross_entropy(cls[n], torch.from_numpy((matched >= 0).astype(np.int64)),
                                  reduction="none")
        negative = entropy[torch.from_numpy(matched < 0)]
        kept = min(7 * len(chosen), len(negative))
        sums[0] = sums[0] + entropy[chosen].sum() + negative.sort(descending=True)[0][:kept].sum()
        for a in chosen:
            x, y, s = priors[a]
            x0, y0, x1, y1 = faces[matched[a]]["box"]
            wanted = [((x0 + x1) / 2 - x) / (0.1 * s), ((y0 + y1) / 2 - y) / (0.1 * s),
                      np.log((x1 - x0) / s) / 0.2, np.log((y1 - y0) / s) / 0.2]
            sums[1] = sums[1] + F.smooth_l1_loss(box[n, a], torch.tensor(wanted, dtype=torch.float64),
                                                 reduction="sum")
            if faces[matched[a]]["points"] is not None:
                with_points += 1
                p = np.array(faces[matched[a]]["points"], dtype=float).reshape(5, 2)
                wanted = ((p - [x, y]) / (0.1 * s)).ravel().astype(np.float64)
                sums[2] = sums[2] + F.smooth_l1_loss(points[n, a], torch.from_numpy(wanted),
                                                     reduction="sum")
    return sums[0] / positives, sums[1] / positives, sums[2] / with_points


def main():
    torch.set_default_dtype(torch.float64)
    network = Network().train()
    state = network.state_dict()
    order = [n for n in state if not n.endswith("num_batches_tracked")]
    initialise(network, sorted_as_graph(order))
    start = {name: state[name].clone() for name in order}
    batch = torch.from_numpy(np.stack([image(n) for n in range(BATCH)])).double().flip(3) - MEAN
    batch = batch.permute(0, 3, 1, 2).contiguous()
    priors = anchors()
    matches = [match(faces, priors) for faces in FACES]
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE, momentum=0.9, weight_decay=5e-4)
    history = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        cls, box, points = losses(network(batch), matches, priors)
        total = cls + 0.25 * box + 0.1 * points
        total.backward()
        optimizer.step()
        history.append([float(v) for v in (total, cls, box, points)])
    tensors = {}
    for name in order:
        values = state[name].double().flatten()
        picks = sorted({0, len(values) // 3, len(values) // 2, len(values) - 1})
        tensors[name] = {"norm": float(values.norm()),
                         "change": float((values - start[name].double().flatten()).norm()), "at": picks, "values": [float(values[i]) for i in picks]}
    json.dump({"side": SIDE, "batch": BATCH, "rate": RATE, "seed": SEED, "faces": FACES,
               "losses": history, "tensors": tensors}, sys.stdout, indent=None)
    print()


def sorted_as_graph(names):
    """The graph's order: the backbone, the laterals, the merges from the top, then level by level the
    context module and the three heads."""
    def key(name):
        part = name.split(".")
        if part[0] == "body":
            return (0, 0, 0)
        if part[0] == "fpn":
            return (1, ["output1", "output2", "output3", "merge2", "merge1"].index(part[1]), 0)
        if part[0].startswith("ssh"):
            return (2, int(part[0][3]) - 1, 0)
        return (2, int(part[1]), 1 + ["ClassHead", "BboxHead", "LandmarkHead"].index(part[0]))
    return sorted(names, key=key)


if __name__ == "__main__":
    main()
