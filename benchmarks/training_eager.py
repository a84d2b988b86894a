#!/usr/bin/python3
"""The ordinary eager PyTorch training loop, to compare bench_training with.

The same network (tests/training/reference.py writes it down), loss and optimizer at PyTorch's
defaults: contiguous tensors, autograd, torch.optim.SGD, batches ready in memory. Anchors are matched
beforehand, which favours this side. Debian: python3-torch, python3-numpy.
Usage: benchmarks/training_eager.py [fp32|bf16] [THREADS] [SECONDS] [SIDE] [BATCH]   -> one JSON line
"""
import importlib.util
import json
import pathlib
import resource
import sys
import time

import torch
from torch.nn import functional as F

precision = sys.argv[1] if len(sys.argv) > 1 else "fp32"
threads, seconds, side, batch = [float(a) for a in sys.argv[2:6]] + [2, 20, 640, 16][len(sys.argv[2:6]):]
side, batch = int(side), int(batch)
torch.set_num_threads(int(threads))
torch.manual_seed(1)

path = pathlib.Path(__file__).parent.parent / "tests" / "training" / "reference.py"
spec = importlib.util.spec_from_file_location("reference", path)
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)

network = reference.Network().train()
optimizer = torch.optim.SGD(network.parameters(), lr=1e-5, momentum=0.9, weight_decay=5e-4)
count = sum((-(-side // stride)) ** 2 * len(sizes) for stride, sizes in reference.LEVELS)
positive = torch.zeros(batch, count, dtype=torch.bool)
positive[:, :: count // 100] = True  # about a hundred positives a picture
box = torch.randn(batch, count, 4)
points = torch.randn(batch, count, 10)
pictures = [torch.rand(batch, 3, side, side) * 255 - 110 for _ in range(2)]


def loss_of(outputs):
    cls, boxes, landmarks = (o.float() for o in outputs)
    entropy = F.cross_entropy(cls.reshape(-1, 2), positive.reshape(-1).long(),
                              reduction="none").reshape(batch, -1)
    with torch.no_grad():
        rank = entropy.masked_fill(positive, 0).sort(1, descending=True)[1].sort(1)[1]
        kept = positive | (rank < 7 * positive.sum(1, keepdim=True))
    n = positive.sum()
    return (entropy[kept].sum() + 2 * F.smooth_l1_loss(boxes[positive], box[positive], reduction="sum")
            + F.smooth_l1_loss(landmarks[positive], points[positive], reduction="sum")) / n


times = []
begin = time.perf_counter()
while len(times) < 5 or time.perf_counter() - begin < seconds:
    start = time.perf_counter()
    optimizer.zero_grad()
    if precision == "bf16":
        with torch.autocast("cpu", dtype=torch.bfloat16):
            outputs = network(pictures[len(times) % 2])
    else:
        outputs = network(pictures[len(times) % 2])
    loss_of(outputs).backward()
    optimizer.step()
    times.append(time.perf_counter() - start)
times = sorted(times[2:])
print(json.dumps({"engine": f"pytorch {torch.__version__} eager", "precision": precision,
                  "threads": int(threads), "side": side, "batch": batch, "steps": len(times),
                  "images_per_second": round(batch / times[len(times) // 2], 2),
                  "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
