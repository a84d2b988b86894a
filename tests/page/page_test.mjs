// The service's page in a headless Chromium: what a person does with it, by pointer, keyboard and
// files. tests/page_test.cc runs it.
//
// Usage: node page_test.mjs PROGRAM SAMPLES FIXTURES OUT
// PROGRAM is retinaface; OUT gets screenshots. Needs $RETINAFACE_PLAYWRIGHT, a folder whose
// node_modules has playwright-core, and Debian's chromium (or $RETINAFACE_CHROMIUM).
// Prints a line a check; exit code 1 at the first that fails.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [program, samples, fixtures, out] = process.argv.slice(2);
const require = createRequire(path.join(process.env.RETINAFACE_PLAYWRIGHT, "node_modules", "."));
const { chromium } = require("playwright-core");

/** Starts a service; resolves to its address and what ends it. */
function serve(...options) {
  const child = spawn(program, ["serve", "--port", "0", ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const stop = async () => {
    child.kill("SIGTERM");
    assert.equal(await ended, 0, "the service ends well");
  };
  return new Promise((resolve, reject) => {
    child.stdout.once("data", (text) => resolve({ url: text.toString().trim(), stop }));
    child.on("exit", (code) => reject(new Error(`the service ended with ${code}`)));
  });
}

async function check(name, action) {
  try {
    await action();
  } catch (error) {
    console.log(`FAILED ${name}; the page says: ${await page.textContent("#status")}`);
    console.log(complaints.join("\n"));
    await page.screenshot({ path: path.join(out, "failed.png"), fullPage: true });
    throw error;
  }
  console.log(`ok ${name}`);
}

const service = await serve();
const browser = await chromium.launch({
  executablePath: process.env.RETINAFACE_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
});
const context = await browser.newContext({
  viewport: { width: 1000, height: 900 },
  permissions: ["camera"],
});
const page = await context.newPage();
const requests = [];
// Of the browser: violations of the policy, errors of the program; not its own note, which may come
// late, of the one request that is to be refused.
const complaints = [];
page.on("request", (request) => requests.push(request));
page.on("pageerror", (error) => complaints.push(String(error)));
page.on("console", (message) => {
  if (message.type() === "error" && !message.text().includes("status of 415")) {
    complaints.push(message.text());
  }
});

const asked = (name) => requests.filter((request) => request.url().includes(name)).length;
const count = () => page.textContent("#count");
const counts = (text) =>
  page.waitForFunction((wanted) => document.getElementById("count").textContent === wanted, text);
const sees = (text) =>
  page.waitForFunction((part) => document.getElementById("status").textContent.includes(part), text);

/** A checksum of what the canvas shows. */
const shown = () =>
  page.evaluate(() => {
    const canvas = document.getElementById("canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.reduce((sum, value, i) => (sum * 31 + value + i) % 1000000007, 0);
  });

/** Files dragged from outside onto the page, as the browser itself gets them. */
async function drop(...files) {
  const session = await context.newCDPSession(page);
  const box = await page.locator("#drop").boundingBox();
  const event = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) {
    await session.send("Input.dispatchDragEvent", { type, ...event, data });
  }
}

async function download(selector) {
  const [file] = await Promise.all([page.waitForEvent("download"), page.click(selector)]);
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
}

const hopper = path.resolve(samples, "hopper.jpg");

try {
  await check("the page opens and names the model", async () => {
    await page.goto(service.url);
    await page.waitForFunction(() => document.getElementById("model").textContent !== "");
    assert.match(await page.textContent("#model"), /^mnet025: /);
    assert.equal(await page.isVisible("#work"), false);
  });

  await check("a dropped image is shown with its face", async () => {
    await drop(hopper);
    await counts("1 face in hopper.jpg");
    assert.match(await page.textContent("#status"), /^1 face in hopper.jpg, \d+ ms\.$/);
    await page.waitForFunction(() => document.querySelectorAll("#crops img").length === 1);
    assert.ok(await page.locator("#crops img").evaluate((image) => image.decode().then(() => image.naturalWidth > 100)));
    await page.screenshot({ path: path.join(out, "light.png"), fullPage: true });
  });

  await check("the slider asks for nothing", async () => {
    const before = asked("/v1/detect");
    await page.focus("#score");
    await page.keyboard.press("End");
    await counts("0 faces in hopper.jpg");
    await page.keyboard.press("Home");
    await page.waitForFunction(() => /^\d+ faces in/.test(document.getElementById("count").textContent));
    assert.ok(parseInt(await count()) > 1, await count());
    assert.equal(asked("/v1/detect"), before);
    await page.fill("#score", "0.6");
    await counts("1 face in hopper.jpg");
  });

  await check("what is drawn can be chosen", async () => {
    const all = await shown();
    for (const name of ["boxes", "points", "scores"]) await page.click(`#show-${name}`);
    assert.notEqual(await shown(), all);
    for (const name of ["boxes", "points", "scores"]) await page.click(`#show-${name}`);
    assert.equal(await shown(), all);
  });

  await check("keys, wheel and buttons zoom", async () => {
    const whole = await shown();
    await page.focus("#view");
    for (const key of ["+", "+", "ArrowRight", "ArrowDown"]) await page.keyboard.press(key);
    const closer = await shown();
    assert.notEqual(closer, whole);
    await page.keyboard.press("-");
    assert.notEqual(await shown(), closer);
    await page.keyboard.press("0");
    assert.equal(await shown(), whole);
    await page.hover("#canvas");
    await page.mouse.wheel(0, -500);
    await page.waitForTimeout(100);
    assert.notEqual(await shown(), whole);
    await page.click("#zoom-fit");
    assert.equal(await shown(), whole);
    await page.click("#zoom-in");
    assert.notEqual(await shown(), whole);
    await page.click("#zoom-out");
    await page.click("#zoom-fit");
  });

  await check("results are downloaded", async () => {
    const json = await download("#save-json");
    assert.equal(json.name, "hopper.json");
    const answer = JSON.parse(json.bytes);
    const direct = await fetch(`${service.url}v1/detect`, { method: "POST", body: readFileSync(hopper) });
    const expected = await direct.json();
    assert.equal(answer.image, "hopper.jpg");
    assert.deepEqual(answer.faces, expected.faces);

    await page.waitForFunction(() => document.querySelectorAll("#crops img").length === 1);
    const crop = await download("#crops a");
    assert.equal(crop.name, "hopper.face0.png");
    assert.equal(crop.bytes.subarray(1, 4).toString(), "PNG");
    // The box with a quarter of its longer side around it, in whole pixels.
    const [x0, y0, x1, y1] = answer.faces[0].box;
    const margins = Math.max(x1 - x0, y1 - y0) / 2;
    assert(Math.abs(crop.bytes.readUInt32BE(16) - (x1 - x0 + margins)) <= 2);
    assert(Math.abs(crop.bytes.readUInt32BE(20) - (y1 - y0 + margins)) <= 2);

    const drawn = await download("#save-drawn");
    assert.equal(drawn.name, "hopper.drawn.png");
    assert.deepEqual([drawn.bytes.readUInt32BE(16), drawn.bytes.readUInt32BE(20)], [512, 600]);
    const blurred = await download("#save-blurred");
    assert.equal(blurred.name, "hopper.blurred.jpg");
    assert.equal(blurred.bytes.readUInt16BE(0), 0xffd8);
    writeFileSync(path.join(out, "blurred.jpg"), blurred.bytes);
  });

  await check("several are chosen, and gone through", async () => {
    await page.setInputFiles("#files", [
      path.join(samples, "portrait.jpg"),
      path.join(fixtures, "images", "lzw.tif"), // which browsers do not decode
    ]);
    await sees("0 faces in lzw.tif, ");
    assert.equal(await page.textContent("#place"), "3 of 3");
    await page.click("#previous");
    await counts("1 face in portrait.jpg");
    await page.click("#previous");
    await counts("1 face in hopper.jpg");
    assert.equal(await page.isDisabled("#previous"), true);
    const all = JSON.parse((await download("#save-json")).bytes);
    assert.equal(all.results.length, 3);
  });

  await check("what fails is said, and what was there stays", async () => {
    await page.setInputFiles("#files", {
      name: "note.txt", mimeType: "text/plain", buffer: Buffer.from("no image"),
    });
    await sees("note.txt: image: expected JPEG, PNG");
    assert.equal(await page.getAttribute("#status", "class"), "bad");
    assert.equal(await count(), "1 face in hopper.jpg");
  });

  await check("a video's frames are sent one at a time", async () => {
    let atOnce = 0;
    let most = 0;
    const begin = (request) => {
      if (request.url().includes("/v1/detect")) most = Math.max(most, ++atOnce);
    };
    const end = (request) => {
      if (request.url().includes("/v1/detect")) --atOnce;
    };
    page.on("request", begin);
    page.on("requestfinished", end);
    await drop(path.resolve(fixtures, "videos", "vp9.webm"));
    await page.waitForFunction(() => /^vp9\.webm: \d+ frame/.test(document.getElementById("status").textContent));
    await page.waitForFunction(() => document.getElementById("stop").hidden);
    assert.equal(most, 1);
    page.off("request", begin);
    page.off("requestfinished", end);
  });

  await check("the camera runs until it is stopped", async () => {
    await page.click("#camera");
    await page.waitForFunction(() => /^camera: ([3-9]|\d\d) frames/.test(document.getElementById("status").textContent));
    assert.equal(await page.getAttribute("#camera", "aria-pressed"), "true");
    await page.click("#stop");
    await page.waitForFunction(() => document.getElementById("stop").hidden);
    assert.equal(await page.getAttribute("#camera", "aria-pressed"), "false");
  });

  await check("meshes are asked for and drawn as wireframes", async () => {
    await drop(hopper);
    await page.waitForFunction(() => document.getElementById("place").textContent.endsWith("of 6"));
    assert.equal(asked("mesh=true"), 0);
    assert.equal(asked("/v1/topology"), 0);
    const without = await shown();
    await page.click("#show-mesh");
    await page.waitForFunction(() => state.items[5].hasMeshes);
    const withMesh = await shown();
    assert.notEqual(withMesh, without);
    assert.equal(asked("mesh=true"), 1);
    assert.equal(asked("/v1/topology"), 1);
    // Of the canvas's pixels within the face's box about a third are lines, and none outside.
    const [inside, outside] = await page.evaluate(() => {
      const context = canvas.getContext("2d");
      const pixels = () => context.getImageData(0, 0, canvas.width, canvas.height).data;
      const lines = pixels();
      $("show-mesh").checked = false;
      draw();
      const plain = pixels();
      $("show-mesh").checked = true;
      draw();
      const place = placing(item().image);
      const [x0, y0, x1, y1] = item().answer.faces[0].box.map((side) => side * place.scale);
      const margin = 0.2 * (y1 - y0);
      const counts = [0, 0];
      for (let i = 0; i < plain.length; i += 4) {
        const x = (i / 4) % canvas.width - place.x;
        const y = Math.floor(i / 4 / canvas.width) - place.y;
        const isInside = x > x0 - margin && x < x1 + margin && y > y0 - margin && y < y1 + margin;
        if (lines[i] !== plain[i]) ++counts[isInside ? 0 : 1];
      }
      return [counts[0] / ((x1 - x0) * (y1 - y0)), counts[1]];
    });
    assert.ok(inside > 0.15 && inside < 1, `${inside} of the face is lines`);
    assert.equal(outside, 0);
    await page.screenshot({ path: path.join(out, "mesh.png"), fullPage: true });
    const answer = JSON.parse((await download("#save-json")).bytes).results[5];
    assert.equal(answer.faces[0].mesh.vertices.length, 1024);
    assert.equal(typeof answer.faces[0].pose.yaw, "number");
    // The slider asks for nothing here either; another image gets its own when it is shown.
    await page.fill("#score", "0.3");
    await page.fill("#score", "0.6");
    assert.equal(asked("mesh=true"), 1);
    await drop(path.resolve(samples, "portrait.jpg"));
    await page.waitForFunction(() => state.items[6]?.hasMeshes);
    assert.equal(asked("mesh=true"), 2);
    assert.equal(asked("/v1/topology"), 1);
    await page.click("#show-mesh");
  });

  await check("it fits a phone, dark and light, by touch or keyboard", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.emulateMedia({ colorScheme: "dark" });
    await page.waitForTimeout(200);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 360));
    const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.screenshot({ path: path.join(out, "phone_dark.png"), fullPage: true });
    await page.emulateMedia({ colorScheme: "light" });
    assert.notEqual(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), dark);
    const small = await page.evaluate(() =>
      [...document.querySelectorAll("button:not([hidden]), .button")]
        .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 40)
        .map((one) => one.id));
    assert.deepEqual(small, [], "buttons large enough for a finger");
    const touch = () =>
      page.evaluate(() => getComputedStyle(document.getElementById("view")).touchAction);
    await page.click("#zoom-fit");
    assert.equal(await touch(), "pan-y", "a finger on the image scrolls the page");
    await page.click("#zoom-in");
    assert.equal(await touch(), "none", "a finger on the enlarged image moves it");
    await page.click("#zoom-fit");
    // The keyboard reaches all of it.
    await page.evaluate(() => document.activeElement.blur());
    const reached = new Set();
    for (let i = 0; i < 40; ++i) {
      await page.keyboard.press("Tab");
      reached.add(await page.evaluate(() => document.activeElement.id));
    }
    for (const id of ["files", "camera", "score", "show-boxes", "zoom-in", "save-json",
                      "save-blurred", "view"]) {
      assert.ok(reached.has(id), `${id} is not reached by Tab`);
    }
    await page.setViewportSize({ width: 1000, height: 900 });
  });

  await check("nothing comes from elsewhere, and the policy is kept", async () => {
    for (const request of requests) {
      const url = request.url();
      assert.ok(url.startsWith(service.url) || url.startsWith("blob:"), url);
    }
    assert.deepEqual(complaints, []);
  });

  await check("a key is asked for where the service has one", async () => {
    const keys = path.join(out, "keys.txt");
    writeFileSync(keys, "open-sesame\n");
    const guarded = await serve("--api-key-file", keys);
    await page.goto(guarded.url);
    await page.waitForSelector("#key-form:not([hidden])");
    await page.fill("#key", "open-sesame");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.getElementById("model").textContent !== "");
    await drop(hopper);
    await counts("1 face in hopper.jpg");
    await page.goto("about:blank");
    await guarded.stop();
  });
} finally {
  await browser.close();
  await service.stop();
}
console.log("all is well");
