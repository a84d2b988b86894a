// ONNX Runtime beside ours, one thread each: what it computes, and what it costs.
// Set up once, outside the repository; the environment says where:
//   npm install --ignore-scripts --prefix FOLDER onnxruntime-node@1.30.0
//   export RETINAFACE_ONNXRUNTIME=FOLDER
// Usage:
//   node onnx_runtime.mjs run MODEL.onnx BATCH HEIGHT WIDTH INPUT.f32 OUT_PREFIX
//     INPUT has BATCH * 3 * HEIGHT * WIDTH little-endian floats; writes OUT_PREFIX.NAME.f32 for each
//     output and prints their shapes as JSON.
//   node onnx_runtime.mjs race BENCH_FORWARD MODEL MODEL.onnx WIDTHxHEIGHT [ROUNDS]
//     Our forward pass of the catalogue's MODEL and ONNX Runtime's of the file, in turn, a second each;
//     prints medians of processor time and their ratio as JSON. MODEL is what `retinaface export MODEL`
//     has written.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const folder = process.env.RETINAFACE_ONNXRUNTIME;
if (!folder) throw new Error('RETINAFACE_ONNXRUNTIME is not set; the top of this file says to what');
const ort = createRequire(join(resolve(folder), 'package.json'))('onnxruntime-node');

const open = file => ort.InferenceSession.create(file, {
  intraOpNumThreads: 1, interOpNumThreads: 1, graphOptimizationLevel: 'all',
  executionMode: 'sequential' });
const feeds = (session, values, shape) =>
  ({ [session.inputNames[0]]: new ort.Tensor('float32', values, shape) });
const median = values => values.sort((a, b) => a - b)[values.length >> 1];

async function run(file, batch, height, width, input, prefix) {
  const session = await open(file);
  const bytes = readFileSync(input);
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const outputs = await session.run(feeds(session, values, [+batch, 3, +height, +width]));
  const shapes = {};
  for (const [name, tensor] of Object.entries(outputs)) {
    const { buffer, byteOffset, byteLength } = tensor.data;
    writeFileSync(`${prefix}.${name}.f32`, Buffer.from(buffer, byteOffset, byteLength));
    shapes[name] = tensor.dims;
  }
  console.log(JSON.stringify(shapes));
}

/// Processor time of one run, in ms: that of this process, which does nothing else.
async function cpu_ms(session, input) {
  const before = process.cpuUsage();
  await session.run(input);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e3;
}

async function race(bench, model, file, size, rounds = '5') {
  const [width, height] = size.split('x').map(Number);
  const session = await open(file);
  const noise = Float32Array.from({ length: 3 * height * width }, () => 2 * Math.random() - 1);
  const input = feeds(session, noise, [1, 3, height, width]);
  for (let i = 0; i < 3; ++i) await session.run(input);
  const ours = [], theirs = [];
  for (let round = 0; round < +rounds; ++round) {
    ours.push(JSON.parse(execFileSync(bench, [model, size, '1'])).median_cpu_ms);
    const times = [];
    for (const end = Date.now() + 1000; Date.now() < end || times.length < 5;) {
      times.push(await cpu_ms(session, input));
    }
    theirs.push(median(times));
  }
  const [a, b] = [median(ours), median(theirs)];
  console.log(JSON.stringify({ model, width, height, threads: 1, rounds: +rounds,
    onnxruntime: ort.env.versions.node, retinaface_ms: a, onnxruntime_ms: +b.toFixed(3),
    ratio: +(b / a).toFixed(3) }));
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'run' && rest.length === 6) await run(...rest);
else if (mode === 'race' && rest.length >= 4) await race(...rest);
else { console.error('expected run or race; the top of this file has the usage'); process.exit(2); }
