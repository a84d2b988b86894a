#!/usr/bin/env python3
"""Forward pass of an ONNX file by ONNX Runtime on one thread.

Usage: onnx_runtime_cpu.py FILE [WIDTHxHEIGHT] [SECONDS]
  -> one JSON line as benchmarks/forward.cc prints it: by the processor's time others' turns on it do
     not count. Needs onnxruntime and numpy (PyPI).
"""
import json
import statistics
import sys
import time

import numpy
import onnxruntime


def main():
    file = sys.argv[1]
    width, height = map(int, (sys.argv[2] if len(sys.argv) > 2 else "640x480").split("x"))
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 3
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    image = numpy.random.default_rng(1).random((1, 3, height, width), numpy.float32)
    feed = {session.get_inputs()[0].name: image}
    session.run(None, feed)
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 7:
        start = time.thread_time()
        session.run(None, feed)
        times.append(1000 * (time.thread_time() - start))
    print(json.dumps({"engine": "onnxruntime", "height": height, "width": width, "threads": 1,
                      "runs": len(times), "median_cpu_ms": round(statistics.median(times), 3)}))


main()
