// Reads codes from pictures and from the camera. The browser's own reader is used where
// there is one; ours is loaded when the first picture is read.

import { Asked } from "./worker.js";

let detector; // undefined until asked for, null if the browser has none
let worker = null;

async function nativeDetector() {
  if (detector === undefined) {
    detector = null;
    if ("BarcodeDetector" in globalThis && (await BarcodeDetector.getSupportedFormats()).includes("qr_code")) {
      detector = new BarcodeDetector({ formats: ["qr_code"] });
    }
  }
  return detector;
}

export function pictureWorker() {
  worker ??= new Asked("picture-worker.js");
  return worker;
}

const canvas = new OffscreenCanvas(1, 1);

// Reads one frame or picture: {text}, or {problem}: none or several.
export async function readFrom(source, width, height) {
  const native = await nativeDetector();
  if (native) {
    const texts = new Set((await native.detect(source)).map((found) => found.rawValue));
    if (texts.size > 1) return { problem: "several" };
    if (texts.size === 1) return { text: [...texts][0] };
    // What it does not find ours may.
  }
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(source, 0, 0, width, height);
  const rgba = new Uint8Array(context.getImageData(0, 0, width, height).data.buffer);
  return pictureWorker().ask("read", { rgba, width, height }, [rgba.buffer]);
}

// The longest side of a picture that is read: a code on a whole page is still sharp.
const longest = 2400;

export async function readFile(file) {
  const image = await createImageBitmap(file);
  const scale = Math.min(1, longest / Math.max(image.width, image.height));
  try {
    return await readFrom(image, Math.max(1, Math.round(image.width * scale)), Math.max(1, Math.round(image.height * scale)));
  } finally {
    image.close();
  }
}

// Camera reads codes from a video element until it is closed.
export class Camera {
  constructor(video, found) {
    this.video = video;
    this.found = found; // called with {text} or {problem: "several"}
    this.stream = null;
    this.wanted = false;
  }

  async open() {
    this.wanted = true;
    this.stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } }, audio: false,
    });
    // It may have been closed while a person was asked for the permission.
    if (!this.wanted) return this.close();
    this.video.srcObject = this.stream;
    await this.video.play();
    this.awake = await navigator.wakeLock?.request("screen").catch(() => null);
    this.watch(this.stream);
  }

  // One frame after the other, each when the one before was read.
  async watch(stream) {
    while (this.stream === stream) {
      try {
        const { videoWidth: width, videoHeight: height } = this.video;
        if (width && height) {
          const result = await readFrom(this.video, width, height);
          if (this.stream === stream && (result.text || result.problem === "several")) this.found(result);
        }
      } catch {
        // A frame that cannot be read is followed by the next.
      }
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
  }

  close() {
    this.wanted = false;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
    this.awake?.release();
  }
}
