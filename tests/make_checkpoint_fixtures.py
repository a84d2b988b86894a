#!/usr/bin/python3
"""Writes tests/data/checkpoints/: what torch.save makes of small models, and what torch reads from it.

Needs python3-torch. The files are in the repository; run this again only to add one.
"""
import collections
import json
import pathlib
import struct

import torch

FOLDER = pathlib.Path(__file__).parent / "data" / "checkpoints"


def odd_tensors():
    """Every way in which a tensor may lie in its storage, and every type that is read."""
    base = torch.arange(12.0)
    return collections.OrderedDict(
        dense=torch.arange(24.0).reshape(2, 3, 2, 2) / 8,
        scalar=torch.tensor(-1.5),
        empty=torch.empty(0, 3),
        transposed=torch.arange(6.0).reshape(2, 3).t(),
        channels_last=torch.arange(24.0).reshape(1, 2, 3, 4).contiguous(
            memory_format=torch.channels_last),
        shared_part=base[2:6],
        shared_steps=base[1::3],
        repeated=torch.tensor([4.0, 5.0]).expand(3, 2),
        half=torch.tensor([1 / 3, -65504.0, 6e-8, float("inf")], dtype=torch.float16),
        bfloat16=torch.tensor([1 / 3, -1e30, 1e-40], dtype=torch.bfloat16),
        double=torch.tensor([1 / 3, 1e-50, 123456789.0], dtype=torch.float64),
        parameter=torch.nn.Parameter(torch.tensor([0.25, -0.25])),
    )


def detector():
    """A network of a body, a convolution with normalisation, and a head."""
    model = torch.nn.ModuleDict({
        "body": torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3, bias=False), torch.nn.BatchNorm2d(2)),
        "head": torch.nn.Conv2d(2, 4, 1),
    })
    fill(model)
    return model


def classifier():
    model = torch.nn.Sequential(collections.OrderedDict([
        ("0", torch.nn.Conv2d(3, 2, 3, bias=False)), ("1", torch.nn.BatchNorm2d(2)),
        ("fc", torch.nn.Linear(2, 5))]))
    fill(model)
    return model


def fill(model):
    """Values that are told apart: the i-th tensor counts up from i."""
    for i, tensor in enumerate(model.state_dict().values()):
        tensor.copy_((torch.arange(tensor.numel()) + i).reshape(tensor.shape))


def expected(tensors):
    return {name: {"shape": list(tensor.shape),
                   "values": [repr(value) for value in tensor.detach().float().flatten().tolist()]}
            for name, tensor in tensors.items()}


def save(name, what, protocol=2, zipped=True):
    torch.save(what, FOLDER / name, pickle_protocol=protocol,
               _use_new_zipfile_serialization=zipped)


def save_safetensors(name, tensors, metadata):
    """The format by its description, https://huggingface.co/docs/safetensors."""
    header, data = {"__metadata__": metadata}, b""
    types = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
    for key, tensor in tensors.items():
        bits = {4: torch.int32, 2: torch.int16}[tensor.element_size()]
        values = tensor.contiguous().view(bits).numpy().tobytes()
        header[key] = {"dtype": types[tensor.dtype], "shape": list(tensor.shape),
                       "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    (FOLDER / name).write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    odd = odd_tensors()
    save("odd_legacy_1.pth", odd, 1, zipped=False)
    save("odd_legacy_2.pth", odd, 2, zipped=False)
    save("odd_legacy_4.pth", odd, 4, zipped=False)
    save("odd_zip_2.pth", odd, 2)
    save("odd_zip_5.pth", odd, 5)

    model = detector()
    save("detector_legacy.pth", model.state_dict(), zipped=False)
    parallel = torch.nn.DataParallel(model)
    save("detector_wrapped.pth", {"model": parallel.state_dict(), "epoch": 7})

    network = torch.nn.DataParallel(classifier())
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    optimizer.step()  # so that it has momentum to save
    network.load_state_dict(before)
    save("classifier_legacy.tar", {"epoch": 3, "arch": "tiny", "best_acc1": torch.tensor(41.5),
                                   "state_dict": network.state_dict(),
                                   "optimizer": optimizer.state_dict()}, zipped=False)

    kept = {name: odd[name] for name in ("dense", "empty", "half", "bfloat16")}
    save_safetensors("types.safetensors", kept, {"maker": "make_checkpoint_fixtures.py"})

    (FOLDER / "expected.json").write_text(json.dumps(
        {"odd": expected(odd), "detector": expected(model.state_dict()),
         "classifier": expected(network.state_dict())}) + "\n")


if __name__ == "__main__":
    main()
