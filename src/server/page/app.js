"use strict";

// Faces are asked for once, down to this score; the slider then chooses among them.
const MIN_SCORE = 0.05;
const CROP_MARGIN = 0.25; // of the longer side, all around, as `retinaface detect --crops` has it
const MAX_CROPS = 60;
const MAX_MESHES = 1000; // that the service answers at once

const $ = (id) => document.getElementById(id);
const canvas = $("canvas");
const state = {
  items: [], // {name, file, image (what is drawn), answer (the service's object)}
  current: 0,
  zoom: 1, // 1: the whole image fits
  center: { x: 0.5, y: 0.5 }, // of the view, in parts of the image
  triangles: null, // of every mesh, once one was asked for
  key: "",
  stop: null, // ends a video or camera
  urls: [], // of crops, to be freed
};

function tell(text, isBad = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", isBad);
}

function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Asks the service; throws an Error with its line. */
async function ask(path, body, accept) {
  const headers = { Accept: accept };
  if (state.key) headers.Authorization = `Bearer ${state.key}`;
  const options = body === null ? { headers } : { method: "POST", headers, body };
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The service does not answer.");
  }
  if (response.ok) return response;
  $("key-form").hidden = response.status !== 401;
  const text = await response.text();
  let message = `${response.status} ${response.statusText}`;
  try {
    message = JSON.parse(text).error.message;
  } catch {
    // Something between here and the service answered.
  }
  throw new Error(message);
}

const askJson = async (path, body) => (await ask(path, body, "application/json")).json();

/** The service's object of an image, with the faces' meshes where these are to be seen. */
async function detect(body) {
  const path = `v1/detect?min-score=${MIN_SCORE}`;
  if (!$("show-mesh").checked) return askJson(path, body);
  state.triangles ??= (await askJson("v1/topology", null)).triangles;
  const answer = await askJson(`${path}&mesh=true&max-faces=${MAX_MESHES}`, body);
  if (answer.faces.length < MAX_MESHES) return answer;
  const all = await askJson(path, body); // the others without a mesh
  all.faces.splice(0, MAX_MESHES, ...answer.faces);
  return all;
}

/** Asks for the shown image's meshes where it has none yet. */
async function addMeshes() {
  const shown = item();
  if (!shown || !$("show-mesh").checked || shown.hasMeshes) return draw();
  try {
    const answer = await detect(shown.file);
    if (shown === item()) tell("");
    Object.assign(shown, { answer, hasMeshes: true });
  } catch (error) {
    $("show-mesh").checked = false;
    throw error;
  } finally {
    draw();
  }
}

/** What the browser cannot decode (HEIC, TIFF ...) the service gives back as PNG, without a face drawn. */
async function imageOf(file) {
  try {
    return await createImageBitmap(file);
  } catch {
    const response = await ask("v1/blur?max-faces=1&min-size=1000000", file, "image/png");
    return createImageBitmap(await response.blob());
  }
}

function item() {
  return state.items[state.current];
}

function facesShown(of = item()) {
  const score = Number($("score").value);
  return of.answer.faces.filter((face) => face.score >= score);
}

// Drawing ------------------------------------------------------------------------------------------

/** Scale and place of the image on the canvas, in the canvas's pixels. */
function placing(image) {
  const scale = Math.min(canvas.width / image.width, canvas.height / image.height) * state.zoom;
  return {
    scale,
    x: canvas.width / 2 - state.center.x * image.width * scale,
    y: canvas.height / 2 - state.center.y * image.height * scale,
  };
}

/** The edges of the triangles that turn their outside to the viewer. */
function drawMesh(context, face, place, pixel) {
  const points = face.mesh.vertices.map(([x, y]) => [
    place.x + x * place.scale, place.y + y * place.scale,
  ]);
  context.beginPath();
  for (const triangle of state.triangles) {
    const [a, b, c] = triangle.map((vertex) => points[vertex]);
    const area = (b[1] - a[1]) * (c[0] - a[0]) - (b[0] - a[0]) * (c[1] - a[1]);
    if (area <= 0) continue;
    context.moveTo(...a);
    context.lineTo(...b);
    context.lineTo(...c);
    context.closePath();
  }
  // Thin where the face is small, so that it is still seen below.
  const width = (face.box[2] - face.box[0]) * place.scale;
  context.lineWidth = within(width / 400, 0.15, 1) * pixel;
  context.strokeStyle = "rgba(90, 220, 255, 0.9)";
  context.stroke();
}

function drawFaces(context, faces, place, pixel) {
  for (const face of faces) {
    const [x0, y0, x1, y1] = face.box;
    const x = place.x + x0 * place.scale;
    const y = place.y + y0 * place.scale;
    if ($("show-mesh").checked && face.mesh) drawMesh(context, face, place, pixel);
    if ($("show-boxes").checked) {
      // Dark below light: seen on any image.
      for (const [width, color] of [[4, "rgba(0, 0, 0, 0.6)"], [2, "#39e75f"]]) {
        context.lineWidth = width * pixel;
        context.strokeStyle = color;
        context.strokeRect(x, y, (x1 - x0) * place.scale, (y1 - y0) * place.scale);
      }
    }
    if ($("show-points").checked) {
      for (const [px, py] of face.landmarks) {
        context.beginPath();
        context.arc(place.x + px * place.scale, place.y + py * place.scale, 2.5 * pixel, 0, 7);
        context.fillStyle = "#ffd23f";
        context.fill();
        context.lineWidth = pixel;
        context.strokeStyle = "rgba(0, 0, 0, 0.7)";
        context.stroke();
      }
    }
    if ($("show-scores").checked) {
      const text = face.score.toFixed(2);
      context.font = `${12 * pixel}px system-ui, sans-serif`;
      const width = context.measureText(text).width + 6 * pixel;
      const top = Math.max(y - 16 * pixel, 0);
      context.fillStyle = "rgba(0, 0, 0, 0.7)";
      context.fillRect(x, top, width, 16 * pixel);
      context.fillStyle = "#ffffff";
      context.fillText(text, x + 3 * pixel, top + 12 * pixel);
    }
  }
}

function draw() {
  $("view").classList.toggle("zoomed", state.zoom > 1);
  const shown = item();
  if (!shown) return;
  const pixel = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(canvas.clientWidth * pixel));
  const ratio = shown.image.height / shown.image.width;
  const height = Math.max(1, Math.round(Math.min(width * ratio, window.innerHeight * 0.75 * pixel)));
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  const place = placing(shown.image);
  context.clearRect(0, 0, width, height);
  context.imageSmoothingEnabled = place.scale < 4;
  context.drawImage(shown.image, place.x, place.y, shown.image.width * place.scale,
                    shown.image.height * place.scale);
  const faces = facesShown(shown);
  drawFaces(context, faces, place, pixel);
  $("count").textContent = `${counted(faces.length, "face")} in ${shown.name}`;
  $("score-value").textContent = Number($("score").value).toFixed(2);
  $("place").textContent = `${state.current + 1} of ${state.items.length}`;
  $("previous").disabled = state.current === 0;
  $("next").disabled = state.current >= state.items.length - 1;
}

/** The part of the image that a crop shows. */
function cropOf(face, image) {
  const [x0, y0, x1, y1] = face.box;
  const margin = CROP_MARGIN * Math.max(x1 - x0, y1 - y0);
  const left = Math.max(0, Math.floor(x0 - margin));
  const top = Math.max(0, Math.floor(y0 - margin));
  const width = Math.min(image.width, Math.ceil(x1 + margin)) - left;
  const height = Math.min(image.height, Math.ceil(y1 + margin)) - top;
  return width >= 1 && height >= 1 ? { left, top, width, height } : null;
}

const pngOf = (from) => new Promise((resolve) => from.toBlob(resolve, "image/png"));

let cropsAsked = 0;

/** One link a face, whose target is the crop as PNG. */
async function showCrops() {
  const turn = ++cropsAsked;
  const shown = item();
  const list = document.createDocumentFragment();
  const urls = [];
  for (const [i, face] of facesShown(shown).slice(0, MAX_CROPS).entries()) {
    const crop = cropOf(face, shown.image);
    if (!crop) continue;
    const cut = document.createElement("canvas");
    cut.width = crop.width;
    cut.height = crop.height;
    cut.getContext("2d").drawImage(shown.image, crop.left, crop.top, crop.width, crop.height, 0, 0,
                                   crop.width, crop.height);
    const url = URL.createObjectURL(await pngOf(cut));
    urls.push(url);
    const link = document.createElement("a");
    link.href = url;
    link.download = `${stem(shown.name)}.face${i}.png`;
    const image = document.createElement("img");
    image.src = url;
    await image.decode(); // before its address may be freed
    image.alt = `Face ${i}, score ${face.score.toFixed(2)}; download`;
    link.append(image, face.score.toFixed(2));
    const entry = document.createElement("li");
    entry.append(link);
    list.append(entry);
  }
  if (turn !== cropsAsked) {
    urls.forEach((url) => URL.revokeObjectURL(url));
    return;
  }
  state.urls.forEach((url) => URL.revokeObjectURL(url));
  state.urls = urls;
  $("crops").replaceChildren(list);
}

function show(index) {
  state.current = Math.min(Math.max(index, 0), state.items.length - 1);
  fit();
  $("work").hidden = state.items.length === 0;
  draw();
  showCrops();
  attempt(addMeshes)();
}

// Downloads ----------------------------------------------------------------------------------------

const stem = (name) => name.replace(/\.[^.]*$/, "");

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function saveJson() {
  const answers = state.items.map((one) => {
    return { ...one.answer, image: one.name, faces: facesShown(one) };
  });
  const text = JSON.stringify(answers.length === 1 ? answers[0] : { results: answers }, null, 1);
  const name = answers.length === 1 ? `${stem(item().name)}.json` : "faces.json";
  save(new Blob([text], { type: "application/json" }), name);
}

async function saveDrawn() {
  const shown = item();
  const whole = document.createElement("canvas");
  whole.width = shown.image.width;
  whole.height = shown.image.height;
  const context = whole.getContext("2d");
  context.drawImage(shown.image, 0, 0);
  const pixel = Math.max(1, Math.min(whole.width, whole.height) / 600);
  drawFaces(context, facesShown(shown), { scale: 1, x: 0, y: 0 }, pixel);
  save(await pngOf(whole), `${stem(shown.name)}.drawn.png`);
}

async function saveBlurred() {
  const shown = item();
  const response = await ask(`v1/blur?min-score=${$("score").value}`, shown.file, "image/jpeg");
  save(await response.blob(), `${stem(shown.name)}.blurred.jpg`);
}

// Images, videos, the camera ---------------------------------------------------------------------

async function addImage(file) {
  tell(`Looking for faces in ${file.name} ...`);
  const hasMeshes = $("show-mesh").checked;
  const [image, answer] = await Promise.all([imageOf(file), detect(file)]);
  state.items.push({ name: file.name, file, image, answer, hasMeshes });
  show(state.items.length - 1);
  tell(`${counted(facesShown().length, "face")} in ${file.name}, ${answer.ms.toFixed(0)} ms.`);
}

/** Sends frames one at a time: the next one when the answer to the last one is there. */
async function follow(video, name, isEnded) {
  const frame = document.createElement("canvas");
  const place = state.items.length;
  let frames = 0;
  const begun = performance.now();
  while (!isEnded()) {
    frame.width = video.videoWidth;
    frame.height = video.videoHeight;
    frame.getContext("2d").drawImage(video, 0, 0);
    const image = await createImageBitmap(frame);
    const encoded = await new Promise((resolve) => frame.toBlob(resolve, "image/jpeg", 0.9));
    const hasMeshes = $("show-mesh").checked;
    const answer = await detect(encoded);
    state.items[place] = { name, file: encoded, image, answer, hasMeshes };
    ++frames;
    if (frames === 1) show(place);
    if (state.current === place) draw();
    const seconds = (performance.now() - begun) / 1000;
    tell(`${name}: ${counted(frames, "frame")}, ${(frames / seconds).toFixed(1)} a second, ` +
         `${counted(facesShown(state.items[place]).length, "face")}.`);
  }
  if (frames > 0 && state.current === place) showCrops();
}

/** Plays into a video element that is not shown, until its end or Stop. */
async function play(source, name, end) {
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  let isStopped = false;
  state.stop?.();
  state.stop = () => {
    isStopped = true;
    video.pause();
    end();
    state.stop = null;
    $("stop").hidden = true;
    $("camera").setAttribute("aria-pressed", "false");
  };
  const stop = state.stop;
  try {
    if (source instanceof MediaStream) video.srcObject = source;
    else video.src = source;
    await video.play();
    $("stop").hidden = false;
    await follow(video, name, () => isStopped || video.ended);
  } catch (error) {
    if (!isStopped) throw error.name === "NotSupportedError"
        ? new Error(`${name}: this browser cannot play it.`) : error;
  } finally {
    if (!isStopped) stop();
  }
}

async function addVideo(file) {
  const url = URL.createObjectURL(file);
  await play(url, file.name, () => URL.revokeObjectURL(url));
}

async function useCamera() {
  if ($("camera").getAttribute("aria-pressed") === "true") return state.stop?.();
  if (!navigator.mediaDevices) {
    throw new Error("The browser gives a camera to pages of https or of this machine alone.");
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: true });
  } catch (error) {
    throw new Error(`There is no camera to use: ${error.message}`);
  }
  $("camera").setAttribute("aria-pressed", "true");
  await play(stream, "camera", () => stream.getTracks().forEach((track) => track.stop()));
}

async function add(files) {
  const failures = [];
  for (const file of files) {
    try {
      await (file.type.startsWith("video/") ? addVideo(file) : addImage(file));
    } catch (error) {
      failures.push(`${file.name}: ${error.message}`);
      tell(failures.join("; "), true);
    }
  }
  if (failures.length > 0) tell(failures.join("; "), true);
}

/** Runs what a person asked for, and says why it failed if it does. */
const attempt = (action) => async () => {
  try {
    await action();
  } catch (error) {
    tell(error.message, true);
  }
};

// Zoom ---------------------------------------------------------------------------------------------

function fit() {
  state.zoom = 1;
  state.center = { x: 0.5, y: 0.5 };
}

const within = (value, min, max) => Math.min(Math.max(value, min), max);

/** By a factor, around a place of the canvas (in parts of it). */
function zoom(factor, at = { x: 0.5, y: 0.5 }) {
  const image = item().image;
  const before = placing(image);
  const x = (at.x * canvas.width - before.x) / before.scale / image.width;
  const y = (at.y * canvas.height - before.y) / before.scale / image.height;
  const old = state.zoom;
  state.zoom = within(old * factor, 1, 64);
  const change = old / state.zoom;
  move(x + (state.center.x - x) * change, y + (state.center.y - y) * change);
}

function move(x, y) {
  const half = 0.5 / state.zoom;
  state.center = { x: within(x, half, 1 - half), y: within(y, half, 1 - half) };
  draw();
}

const placeOf = (event) => {
  const box = canvas.getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
};

function prepareZoom() {
  const pointers = new Map();
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), placeOf(event));
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event);
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const image = item().image;
    const { scale } = placing(image);
    const pixel = window.devicePixelRatio || 1;
    if (pointers.size === 1) {
      move(state.center.x - (event.clientX - before.clientX) * pixel / scale / image.width,
           state.center.y - (event.clientY - before.clientY) * pixel / scale / image.height);
    } else {
      const other = [...pointers.values()].find((one) => one.pointerId !== event.pointerId);
      const distance = (a) => Math.hypot(a.clientX - other.clientX, a.clientY - other.clientY);
      if (distance(before) > 0) zoom(distance(event) / distance(before), placeOf(other));
    }
    pointers.set(event.pointerId, event);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => pointers.delete(event.pointerId));
  }
  const step = 0.1;
  const keys = {
    "+": () => zoom(1.25),
    "=": () => zoom(1.25),
    "-": () => zoom(0.8),
    "0": () => { fit(); draw(); },
    ArrowLeft: () => move(state.center.x - step / state.zoom, state.center.y),
    ArrowRight: () => move(state.center.x + step / state.zoom, state.center.y),
    ArrowUp: () => move(state.center.x, state.center.y - step / state.zoom),
    ArrowDown: () => move(state.center.x, state.center.y + step / state.zoom),
  };
  $("view").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
}

// The page's parts ---------------------------------------------------------------------------------

async function showModel() {
  const { loaded } = await askJson("v1/models", null);
  $("model").textContent = `${loaded.name}: ${loaded.summary}`;
}

function prepare() {
  const drop = $("drop");
  addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  addEventListener("dragleave", () => drop.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    add([...event.dataTransfer.files]);
  });
  addEventListener("paste", (event) => add([...event.clipboardData.files]));
  addEventListener("resize", draw);
  $("files").addEventListener("change", () => {
    const files = [...$("files").files];
    $("files").value = ""; // so that the same one can be chosen again
    add(files);
  });
  $("camera").addEventListener("click", attempt(useCamera));
  $("stop").addEventListener("click", () => state.stop?.());
  $("score").addEventListener("input", () => {
    draw();
    showCrops();
  });
  for (const name of ["boxes", "points", "scores"]) {
    $(`show-${name}`).addEventListener("change", draw);
  }
  $("show-mesh").addEventListener("change", attempt(addMeshes));
  $("zoom-in").addEventListener("click", () => zoom(1.25));
  $("zoom-out").addEventListener("click", () => zoom(0.8));
  $("zoom-fit").addEventListener("click", () => {
    fit();
    draw();
  });
  $("previous").addEventListener("click", () => show(state.current - 1));
  $("next").addEventListener("click", () => show(state.current + 1));
  $("save-json").addEventListener("click", saveJson);
  $("save-drawn").addEventListener("click", attempt(saveDrawn));
  $("save-blurred").addEventListener("click", attempt(saveBlurred));
  $("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    state.key = $("key").value;
    $("key-form").hidden = true;
    tell("");
    attempt(showModel)();
  });
  prepareZoom();
  attempt(showModel)();
}

prepare();
