#!/usr/bin/env python3
"""Runs an ONNX file by OpenCV's DNN module.

Usage: opencv_dnn.py run MODEL.onnx BATCH HEIGHT WIDTH INPUT.f32 OUT_PREFIX
INPUT has BATCH * 3 * HEIGHT * WIDTH little-endian floats. Writes OUT_PREFIX.NAME.f32 for each output
and prints their shapes as JSON, as benchmarks/onnx_runtime.mjs does. OpenCV is Debian's
python3-opencv, or PyPI's opencv-python-headless in the environment of $RETINAFACE_OPENCV_PYTHON.
"""
import json
import sys

import cv2
import numpy

_, _, model, batch, height, width, image, prefix = sys.argv
net = cv2.dnn.readNetFromONNX(model)
net.setInput(numpy.fromfile(image, "<f4").reshape(int(batch), 3, int(height), int(width)))
names = net.getUnconnectedOutLayersNames()
shapes = {}
for name, values in zip(names, net.forward(names)):
    name = name.removeprefix("onnx_node!")  # what some versions put in front
    values.astype("<f4").tofile(f"{prefix}.{name}.f32")
    shapes[name] = values.shape
print(json.dumps(shapes))
