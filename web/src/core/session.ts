/**
 * A session as the page has it: a worker for the session, and frames for its runners.
 *
 * The page fetches what the workers need, since a runner can't, and keeps the two apart: all that it does
 * with a runner is to make its frame, hand a port over, and remove the frame.
 */
import type { Assets } from "./python";
import type { Decision, Seen, Session, SessionEvent } from "./protocol";
import { Provider, type Needs } from "./provider";
import { Connections } from "./rtc-page";
import { frameWord } from "./runner-words";
import type { RunnerStart } from "./runner-worker";
import type { Start } from "./session-worker";
import { Loading } from "./loading";

/** Addresses of what the workers are made of, as the build placed it. */
export interface Places {
  sessionWorker: string;
  runnerWorker: string;
  frame: string;
  wasm: string;
  stdlib: string;
  site: string;
  memory: string;
  packageWorker: string;
  packageList: string;
  /** Bytes of the largest, as they are without compression. */
  sizes: { wasm: number; stdlib: number; site: number; memory: number };
}

export interface SessionOptions {
  places: Places;
  /** URL of the rendezvous that served the page. */
  rendezvous: string;
  /** The person's contacts, as `kept` told them last. */
  contacts?: string;
  /** The catalogue of the page's language; default: English. */
  catalogue?: string;
  /** As in a browser that can't transfer data channels; for tests. */
  pumped?: boolean;
}

/** Milliseconds after which a page may do something for the next visit. */
const QUIET = 3_000;

export function openSession(options: SessionOptions): Session {
  return new WorkerSession(options);
}

class WorkerSession implements Session {
  private readonly listeners = new Set<(event: SessionEvent) => void>();
  private readonly worker: Worker;
  private readonly backstage: MessagePort;
  private readonly assets: Promise<Assets>;
  private readonly code: Promise<Blob>;
  private frame: RunnerFrame | undefined;
  private connections: Connections | undefined;
  private early: Decision[] | undefined = [];
  /** No program will run any more. */
  private over = false;

  constructor(private readonly options: SessionOptions) {
    const { places } = options;
    this.worker = new Worker(places.sessionWorker);
    this.worker.onmessage = ({ data }: MessageEvent<SessionEvent>) => {
      this.tell(data);
      // It says no more of what the program writes than the page has room for.
      if (data.event === "output") this.worker.postMessage({ do: "seen" } satisfies Seen);
    };
    this.worker.onerror = (event) => this.broken(event.message);
    const { port1, port2 } = new MessageChannel();
    this.backstage = port1;
    const missed = (name: string, reason: string): void =>
      this.tell({ event: "notice", text: `The program imports ${name}, which is not here: ${reason}.` });
    const provider = new Provider(places.packageWorker, places.packageList, missed);
    this.backstage.onmessage = ({ data }: MessageEvent<Needs | { ready: true } | { kill: true }>) => {
      if ("needs" in data) void provider.provide(data);
      else if ("ready" in data) performance.mark("huddle-runner");
      else this.replace();
    };
    this.code = blob(places.runnerWorker);
    this.assets = this.fetchAll();
    void this.begin(port2);
  }

  send(decision: Decision): void {
    if (this.early) this.early.push(decision);
    else this.worker.postMessage(decision);
  }

  subscribe(listener: (event: SessionEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(): void {
    this.worker.terminate();
    this.connections?.close();
    this.endRunners();
    this.backstage.close();
    this.listeners.clear();
  }

  private endRunners(): void {
    this.over = true;
    this.frame?.remove();
  }

  private async begin(backstage: MessagePort): Promise<void> {
    try {
      const assets = await this.assets;
      this.tell({ event: "progress", stage: "starting", done: 1 });
      const { rendezvous, contacts, catalogue } = this.options;
      const start: Start = { assets, backstage, rtc: this.rtc(), rendezvous, contacts: contacts ?? "", catalogue: catalogue ?? "" };
      this.worker.postMessage(start, start.rtc ? [backstage, start.rtc] : [backstage]);
      for (const decision of this.early ?? []) this.worker.postMessage(decision);
      this.early = undefined;
      await this.makeRunner();
    } catch (error) {
      this.broken(error instanceof Error ? error.message : String(error));
    }
  }

  /** The session's end of this page's WebRTC, where it has any. */
  private rtc(): MessagePort | undefined {
    if (typeof RTCPeerConnection === "undefined") return undefined;
    const { port1, port2 } = new MessageChannel();
    this.connections = new Connections(port1, this.options.pumped);
    return port2;
  }

  private async fetchAll(): Promise<Assets> {
    const { places } = this.options;
    const loading = new Loading((done, total) => this.tell({ event: "progress", stage: "loading", done, total }));
    const names = ["wasm", "stdlib", "site", "memory"] as const;
    const found = await Promise.all(names.map(async (name) => [name, await loading.get(places[name], places.sizes[name])]));
    return Object.fromEntries(found) as Assets;
  }

  private async makeRunner(): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    this.backstage.postMessage({ runner: port1 }, [port1]);
    const frame = (this.frame = new RunnerFrame(this.options.places.frame));
    const [assets, code] = await Promise.all([this.assets, this.code, frame.loaded]);
    if (this.over) return;
    frame.failed = (reason) => this.backstage.postMessage({ gone: `its worker failed: ${reason}`, failed: true });
    frame.start(code, { assets, control: port2 });
  }

  /** The runner is to be no more; another one gets ready for what comes next. */
  private replace(): void {
    this.frame?.remove();
    this.backstage.postMessage({ gone: "it was ended" });
    if (!this.over) void this.makeRunner();
  }

  /** See that it takes less time at the next visit: by the service worker that has come up meanwhile, which keeps files. */
  private async settle(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, QUIET));
    if (this.over || !navigator.serviceWorker?.controller) return;
    const { wasm, stdlib, site, memory } = this.options.places;
    for (const file of [wasm, stdlib, site, memory]) await fetch(file).catch(() => undefined);
    performance.mark("huddle-kept");
  }

  private tell(event: SessionEvent): void {
    if (event.event === "ready") {
      performance.mark("huddle-session");
      void this.settle();
    }
    if (event.event === "ended" || event.event === "broken") {
      this.endRunners();
      this.connections?.close();
    }
    for (const listener of [...this.listeners]) listener(event);
  }

  private broken(message: string): void {
    this.tell({ event: "broken", message, hint: "Reload the page; if that does not help, use another browser." });
  }
}

/** A frame of opaque origin, whose document allows nothing but its one worker. */
class RunnerFrame {
  failed: (reason: string) => void = () => undefined;
  readonly loaded: Promise<void>;
  private readonly element = document.createElement("iframe");
  private readonly listener: (event: MessageEvent) => void;

  constructor(place: string) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.loaded = promise;
    this.listener = (event) => {
      if (event.source !== this.element.contentWindow) return;
      const word = frameWord(event.data);
      if (word?.kind === "loaded") resolve();
      else this.failed(word?.reason ?? "its frame said what no frame says");
    };
    addEventListener("message", this.listener);
    this.element.setAttribute("sandbox", "allow-scripts");
    // Not hidden: a browser gives a frame that can't be seen a process of low priority.
    this.element.ariaHidden = "true";
    this.element.tabIndex = -1;
    Object.assign(this.element.style, { position: "fixed", top: "0", left: "0", width: "1px", height: "1px", border: "0", opacity: "0", pointerEvents: "none" });
    this.element.src = place;
    document.body.append(this.element);
  }

  start(code: Blob, start: RunnerStart): void {
    const ports = [start.control];
    this.element.contentWindow?.postMessage({ code, start, ports }, "*", ports);
  }

  remove(): void {
    removeEventListener("message", this.listener);
    this.element.remove();
  }
}

async function blob(place: string): Promise<Blob> {
  const response = await fetch(place);
  if (!response.ok) throw new Error(`${new URL(place, location.href).pathname} can't be loaded: HTTP ${response.status}`);
  return response.blob();
}
