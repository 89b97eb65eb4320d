/**
 * The one script of a runner's frame, which its document names by hash. It starts the runner's worker, and makes
 * WebRTC connections as the session worker says on a port of its own: to whom, by which servers, and with which
 * fingerprint. The one channel of each goes to the runner's worker, and nothing else of it does. The frame has
 * an opaque origin and no network but these; so has the worker, which can't make any.
 *
 * Nothing that the worker says is heard here. What it is told is a `Told`.
 */
import type { Way } from "./rtc";
import { Connections } from "./rtc-page";

/** For a runner's worker: a direct channel, or that it is no more. */
export type Told = { way: Way; channel: RTCDataChannel | undefined };

addEventListener("message", (event: MessageEvent) => {
  if (event.source !== parent) return;
  const { code, start, ports, rtc } = event.data as { code: Blob; start: unknown; ports: MessagePort[]; rtc?: MessagePort };
  const worker = new Worker(URL.createObjectURL(code));
  worker.onerror = (problem) => parent.postMessage({ failed: String(problem.message).slice(0, 500) }, "*");
  worker.postMessage(start, ports);
  const tell = (told: Told, transfer: Transferable[] = []): void => worker.postMessage(told, transfer);
  if (rtc)
    new Connections(
      rtc,
      (what, channel, answer, way) => {
        // The other end makes none but this one; who does is no frame's script.
        if ("came" in what || !way) return channel.close();
        try {
          tell({ way, channel }, [channel as unknown as Transferable]);
        } catch {
          answer({ id: what.id, over: "this browser can't transfer data channels" });
        }
      },
      (way) => way && tell({ way, channel: undefined }),
    );
});
parent.postMessage({ loaded: true }, "*");
