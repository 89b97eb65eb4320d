/** Finds a QR code in the pictures of a camera: with the browser's own detector where there is one, else jsQR. */
import { t } from "../texts";

interface Detector {
  detect(source: CanvasImageSource): Promise<{ rawValue: string }[]>;
}

type Find = (video: HTMLVideoElement) => Promise<string | undefined>;

async function finder(): Promise<Find> {
  const { BarcodeDetector } = globalThis as {
    BarcodeDetector?: { new (options: object): Detector; getSupportedFormats(): Promise<string[]> };
  };
  if (BarcodeDetector && (await BarcodeDetector.getSupportedFormats().catch((): string[] => [])).includes("qr_code")) {
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return async (video) => (await detector.detect(video))[0]?.rawValue;
  }
  const { default: jsQR } = await import("jsqr");
  const canvas = new OffscreenCanvas(1, 1);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return async (video) => {
    // A larger picture takes a phone too long, and shows no more of a code that fills it.
    const scale = Math.min(1, 640 / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    if (!context || canvas.width === 0) return undefined;
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return jsQR(data, canvas.width, canvas.height, { inversionAttempts: "attemptBoth" })?.data;
  };
}

const PAUSE = 150;

/** Show the camera in `video` and tell every text that is seen; the result stops it. */
export async function scan(video: HTMLVideoElement, found: (text: string) => void): Promise<() => void> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  let on = true;
  const stop = () => {
    on = false;
    for (const track of stream.getTracks()) track.stop();
  };
  try {
    video.srcObject = stream;
    await video.play();
    const find = await finder();
    const look = async () => {
      if (!on) return;
      const text = video.readyState >= video.HAVE_CURRENT_DATA ? await find(video).catch(() => undefined) : undefined;
      if (on && text) found(text);
      setTimeout(look, PAUSE);
    };
    void look();
  } catch (error) {
    stop();
    throw error;
  }
  return stop;
}

/** Why there is no picture, for people. */
export function cameraProblem(error: unknown): string {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError") return t("scan.forbidden");
  if (name === "NotFoundError") return t("scan.none");
  return t("scan.busy");
}
