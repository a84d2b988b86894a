#!/usr/bin/env python3
"""Races the detector against ONNX Runtime, OpenVINO and ncnn on the same network, in one run.

Usage: race.py PROGRAM [--model mnet025] [--sizes 640x480,1280x720,4096x2160] [--threads 1,2]
               [--types float32,bfloat16,int8] [--rounds 3] [--seconds 1] [--images DIR] [--json FILE]
PROGRAM is bench_forward (build/release/bin); `retinaface`, which exports the network, stands beside
it. Peers are those of onnxruntime, openvino and ncnn (with pnnx, which turns ONNX into its format)
that Python finds: pip install -r benchmarks/race/requirements.txt; pip install --no-deps pnnx, which
needs PyTorch only for what is not done here. Each runs at its
best setting: all optimisations of its graph, one stream, as many threads as asked for. int8 of
ONNX Runtime and OpenVINO is the network as ONNX Runtime's static quantisation makes it, of
at most 8 images of --images (channels apart, activations by min and max); OpenVINO is held to the
type by its INFERENCE_PRECISION_HINT, and ncnn's bfloat16 is its bf16 storage. ONNX Runtime has none.

Everyone runs in turn, round by round, so that a drift of the machine's speed hits all alike. One
thread is measured by its processor time, on which others' turns do not count; several by the clock,
which needs a quiet machine. Ours of T threads are T images side by side, each T-th of whose time
counts, as a folder is worked on; theirs is the faster of one image on T threads and T images.
Prints a table of medians in ms and their shares of ONNX Runtime's float32.
"""
import argparse
import concurrent.futures
import importlib.metadata
import importlib.util
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy

MEAN = numpy.array([104, 117, 123], numpy.float32)


def own_program(program, name):
    path = pathlib.Path(program).with_name(name)
    if not path.exists():
        sys.exit(f"{path}: expected beside {program}; build it by `cmake --build build/release --target {name}`")
    return str(path)


def measure(run, seconds, threads):
    """Median ms of run(): by the processor, of all threads there are, where one was asked for."""
    clock = time.process_time if threads == 1 else time.perf_counter
    run()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = clock()
        run()
        times.append(1000 * (clock() - start))
    return statistics.median(times)


class Ours:
    name = "retinaface"

    def __init__(self, options, size, kind, threads):
        self.command = [own_program(options.program, "bench_forward"), options.model, size]
        self.command += ["--type", kind]
        self.threads = threads

    def ms(self, seconds):
        command = self.command[:3] + [str(seconds)] + self.command[3:]
        runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(self.threads)]
        key = "median_cpu_ms" if self.threads == 1 else "median_ms"
        times = [json.loads(run.communicate()[0])[key] for run in runs]
        return statistics.mean(times) / self.threads


class Peer:
    """One of other people's engines: run(image) with so many threads, made by open(threads)."""

    def __init__(self, options, files, size, kind, threads):
        width, height = map(int, size.split("x"))
        self.image = numpy.random.default_rng(1).integers(0, 256, (1, 3, height, width)).astype(numpy.float32)
        self.image -= MEAN[None, :, None, None]
        self.files, self.kind, self.threads = files, kind, threads
        self.together = self.open(threads)
        self.alone = [self.open(1) for _ in range(threads)] if threads > 1 else []

    def ms(self, seconds):
        best = measure(lambda: self.together(self.image), seconds, self.threads)
        if self.alone:
            with concurrent.futures.ThreadPoolExecutor(self.threads) as pool:
                def all_of_them():
                    list(pool.map(lambda run: run(self.image), self.alone))
                best = min(best, measure(all_of_them, seconds, self.threads) / self.threads)
        return best


class OnnxRuntime(Peer):
    name = "onnxruntime"

    def open(self, threads):
        import onnxruntime
        if self.kind == "bfloat16":
            raise RuntimeError("its CPU provider has no bfloat16")
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        settings.inter_op_num_threads = 1
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        session = onnxruntime.InferenceSession(self.files[self.kind], settings, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda image: session.run(None, {name: image})


class OpenVino(Peer):
    name = "openvino"

    def open(self, threads):
        import openvino
        core = openvino.Core()
        model = core.read_model(self.files[self.kind])
        model.reshape(list(self.image.shape))
        compiled = core.compile_model(model, "CPU", {
            "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "bf16" if self.kind == "bfloat16" else "f32", "ENABLE_CPU_PINNING": False})
        request = compiled.create_infer_request()
        tensor = openvino.Tensor(self.image)
        request.set_input_tensor(tensor)
        return lambda image: request.infer()


class Ncnn(Peer):
    name = "ncnn"

    def open(self, threads):
        if self.kind == "int8":
            raise RuntimeError("its int8 needs a table by tools that its package lacks")
        import ncnn
        param = self.files["ncnn"](self.image.shape)
        net = ncnn.Net()
        net.opt.num_threads = threads
        net.opt.use_vulkan_compute = False
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        net.opt.use_bf16_storage = self.kind == "bfloat16"
        net.load_param(param)
        net.load_model(str(pathlib.Path(param).with_suffix(".bin")))
        inputs, outputs = net.input_names(), net.output_names()

        def run(image):
            extractor = net.create_extractor()
            extractor.input(inputs[0], ncnn.Mat(image[0]))
            return [extractor.extract(name) for name in outputs]
        return run


def ncnn_files(onnx, folder):
    """A function of the input's shape: pnnx fixes it."""
    def make(shape):
        size = "x".join(map(str, shape))
        param = folder / f"{size}.ncnn.param"
        if not param.exists():
            # Its module needs PyTorch, the program in it does not.
            program = pathlib.Path(importlib.util.find_spec("pnnx").submodule_search_locations[0]) / "pnnx"
            subprocess.run([str(program), str(onnx), f"inputshape=[{','.join(map(str, shape))}]f32",
                            f"ncnnparam={param}", f"ncnnbin={param.with_suffix('.bin')}",
                            f"ncnnpy={folder}/a.py", f"pnnxparam={folder}/a.param", f"pnnxbin={folder}/a.bin",
                            f"pnnxpy={folder}/b.py", f"pnnxonnx={folder}/a.onnx"],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
        return str(param)
    return make


def quantized(onnx, images, folder):
    """The network in int8 by ONNX Runtime's own tool."""
    import onnxruntime
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process
    from PIL import Image
    name = onnxruntime.InferenceSession(str(onnx), providers=["CPUExecutionProvider"]).get_inputs()[0].name

    class Reader(quantization.CalibrationDataReader):
        def __init__(self):
            self.paths = iter(images)

        def get_next(self):
            path = next(self.paths, None)
            if path is None:
                return None
            pixels = numpy.asarray(Image.open(path).convert("RGB").resize((640, 480)), numpy.float32)
            return {name: numpy.ascontiguousarray((pixels[:, :, ::-1] - MEAN).transpose(2, 0, 1)[None])}

    prepared, target = folder / "prepared.onnx", folder / "int8.onnx"
    quant_pre_process(str(onnx), str(prepared), skip_symbolic_shape=True)
    quantization.quantize_static(str(prepared), str(target), Reader(), per_channel=True,
                                 quant_format=quantization.QuantFormat.QDQ,
                                 activation_type=quantization.QuantType.QUInt8,
                                 weight_type=quantization.QuantType.QInt8)
    return str(target)


def versions():
    found = {}
    for name in ("onnxruntime", "openvino", "ncnn"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--model", default="mnet025")
    parser.add_argument("--sizes", default="640x480,1280x720,4096x2160")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--types", default="float32,bfloat16,int8")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--images", default="samples")
    parser.add_argument("--json")
    options = parser.parse_args()

    there = versions()
    peers = [peer for peer in (OnnxRuntime, OpenVino, Ncnn) if peer.name in there]
    missing = [name for name in ("onnxruntime", "openvino", "ncnn") if name not in there]
    if missing:
        print(f"not raced, since Python does not find them: {', '.join(missing)}", file=sys.stderr)
    print(f"{processor()}; " + ", ".join(f"{name} {version}" for name, version in there.items()))
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        onnx = folder / "network.onnx"
        subprocess.run([own_program(options.program, "retinaface"), "export", options.model, "-o", str(onnx)],
                       check=True, stdout=subprocess.DEVNULL)
        files = {"float32": str(onnx), "bfloat16": str(onnx), "ncnn": ncnn_files(onnx, folder)}
        types = options.types.split(",")
        if "int8" in types and "onnxruntime" in there:
            images = sorted(p for p in pathlib.Path(options.images).iterdir() if p.suffix in (".jpg", ".png"))
            files["int8"] = quantized(onnx, images[:8], folder)
        print(f"{'size':>10} {'threads':>7} {'type':>8} {'engine':>12} {'ms':>9} {'share':>6}")
        for size in options.sizes.split(","):
            for threads in map(int, options.threads.split(",")):
                racers = []
                for kind in types:
                    racers.append((kind, Ours(options, size, kind, threads)))
                    for peer in peers:
                        try:
                            racers.append((kind, peer(options, files, size, kind, threads)))
                        except Exception as error:  # one engine's refusal is not the others'
                            print(f"{size} {threads} {kind} {peer.name}: {error}", file=sys.stderr)
                times = {(kind, racer.name): [] for kind, racer in racers}
                for _ in range(options.rounds):
                    for kind, racer in racers:
                        times[kind, racer.name].append(racer.ms(options.seconds))
                medians = {key: statistics.median(values) for key, values in times.items()}
                unit = medians.get(("float32", "onnxruntime"))
                for (kind, engine), ms in medians.items():
                    share = ms / unit if unit else float("nan")
                    print(f"{size:>10} {threads:7} {kind:>8} {engine:>12} {ms:9.2f} {share:6.3f}", flush=True)
                    rows.append({"size": size, "threads": threads, "type": kind, "engine": engine,
                                 "ms": ms, "share_of_onnxruntime_float32": share})
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(
            {"processor": processor(), "versions": there, "model": options.model, "rows": rows}, indent=1))


main()
