#!/usr/bin/python3
"""The ordinary eager PyTorch training loop, to compare bench_training with.

The same network (tests/training/reference.py writes it down), loss and optimizer at PyTorch's
defaults: contiguous tensors, autograd, torch.optim.SGD. Batches are ready in memory, or with
--data=FOLDER loaded by a DataLoader of as many workers: images decoded, cropped, resized, mirrored
and distorted in color by OpenCV, as the trainer does. Anchors are matched beforehand, which favours
this side. Debian: python3-torch, python3-numpy, python3-opencv.
Usage: benchmarks/training_eager.py [fp32|bf16] [THREADS] [SECONDS] [SIDE] [BATCH] [--data=FOLDER]
  -> one JSON line
"""
import importlib.util
import json
import pathlib
import resource
import sys
import time

import torch
from torch.nn import functional as F

data = [a.removeprefix("--data=") for a in sys.argv[1:] if a.startswith("--data=")]
arguments = [a for a in sys.argv[1:] if not a.startswith("--data=")]
precision = arguments[0] if arguments else "fp32"
threads, seconds, side, batch = [float(a) for a in arguments[1:5]] + [2, 20, 640, 16][len(arguments[1:5]):]
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
positive[:, :: count // 100] = True  # about a hundred positives an image
box = torch.randn(batch, count, 4)
points = torch.randn(batch, count, 10)


class Images(torch.utils.data.Dataset):
    """The images under a folder, augmented: a square of 0.3 to 1 of the shorter side, mirrored half
    of the time, brightness, contrast, saturation and hue each changed half of the time."""

    def __init__(self, folder):
        self.paths = sorted(p for p in pathlib.Path(folder).rglob("*") if p.suffix in (".webp", ".jpg"))

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        import cv2
        import numpy as np

        cv2.setNumThreads(0)
        chance = np.random.default_rng(index)
        image = cv2.imread(str(self.paths[index]))
        height, width = image.shape[:2]
        edge = int(min(height, width) * chance.uniform(0.3, 1))
        x, y = chance.integers(width - edge + 1), chance.integers(height - edge + 1)
        image = cv2.resize(image[y:y + edge, x:x + edge], (side, side))
        if chance.random() < 0.5:
            image = image[:, ::-1]
        image = image.astype(np.float32)
        if chance.random() < 0.5:
            image += chance.uniform(-32, 32)
        if chance.random() < 0.5:
            image *= chance.uniform(0.5, 1.5)
        image = cv2.cvtColor(np.clip(image, 0, 255), cv2.COLOR_BGR2HSV)
        if chance.random() < 0.5:
            image[..., 1] *= chance.uniform(0.5, 1.5)
        if chance.random() < 0.5:
            image[..., 0] = (image[..., 0] + chance.uniform(-18, 18)) % 360
        image[..., 1] = np.clip(image[..., 1], 0, 1)
        image = cv2.cvtColor(image, cv2.COLOR_HSV2BGR) - np.float32([104, 117, 123])
        return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))


def batches():
    if not data:
        ready = [torch.rand(batch, 3, side, side) * 255 - 110 for _ in range(2)]
        while True:
            yield from ready
    loader = torch.utils.data.DataLoader(Images(data[0]), batch, shuffle=True, drop_last=True,
                                         num_workers=int(threads), persistent_workers=True)
    if len(loader) == 0:
        sys.exit(f"{data[0]}: expected at least {batch} .webp or .jpg files")
    while True:
        yield from loader


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
source = batches()
begin = time.perf_counter()
while len(times) < 5 or time.perf_counter() - begin < seconds:
    start = time.perf_counter()
    images = next(source)
    optimizer.zero_grad()
    if precision == "bf16":
        with torch.autocast("cpu", dtype=torch.bfloat16):
            outputs = network(images)
    else:
        outputs = network(images)
    loss_of(outputs).backward()
    optimizer.step()
    times.append(time.perf_counter() - start)
times = times[2:]
print(json.dumps({"engine": f"pytorch {torch.__version__} eager", "precision": precision,
                  "threads": int(threads), "side": side, "batch": batch, "steps": len(times),
                  "loading": bool(data), "images_per_second": round(batch * len(times) / sum(times), 2),
                  "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
