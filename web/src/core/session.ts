/**
 * A session as the page has it: a worker for the session, and frames for its runners.
 *
 * The page fetches what the workers need, since a runner can't, and keeps the two apart: all that it does
 * with a runner is to make its frame, hand a port over, and remove the frame.
 */
import { passOn, type Coming } from "./assets";
import { isKept, keep } from "./kept-files";
import type { Decision, Seen, Session, SessionEvent } from "./protocol";
import { Provider, type Needs } from "./provider";
import { Connections, toSession } from "./rtc-page";
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
  /** In the place of the three above, for a Python that starts without a memory. */
  wholeStdlib: string;
  wholeSite: string;
  packageWorker: string;
  packageList: string;
  /** Bytes of the largest, as they are without compression. */
  sizes: Record<"wasm" | "stdlib" | "site" | "memory" | "wholeStdlib" | "wholeSite", number>;
}

type Part = keyof Places["sizes"];

export interface SessionOptions {
  places: Places;
  /** URL of the rendezvous that served the page. */
  rendezvous: string;
  /** The person's contacts, as `kept` told them last. */
  contacts?: string;
  /** The catalogue of the page's language; default: English. */
  catalogue?: string;
  /** What this script itself says to the person, in the page's language; default: English. */
  sentences?: Sentences;
  /** As in a browser that can't transfer data channels; for tests. */
  pumped?: boolean;
  /** False: the bytes of runs go by the session worker alone; for tests and figures. */
  direct?: boolean;
}

/** The sentences of this script. */
export interface Sentences {
  script: string;
  reload: string;
  lacks: (name: string, reason: string) => string;
}

const ENGLISH: Sentences = {
  script: "The script of the session did not come whole.",
  reload: "Reload the page. If it stays so, try another browser.",
  lacks: (name, reason) => `The program imports ${name}, which is not here: ${reason}.`,
};

/** Milliseconds after which a page may do something for the next visit. */
const QUIET = 3_000;
/**
 * Bytes a millisecond: 4 Mbit/s. Python's memory saves some seconds of its start, and costs 3 MB more: on a slower line
 * Python is there sooner without.
 */
const SLOW = 500;

export function openSession(options: SessionOptions): Session {
  return new WorkerSession(options);
}

class WorkerSession implements Session {
  private readonly listeners = new Set<(event: SessionEvent) => void>();
  private worker!: Worker;
  private backstage!: MessagePort;
  private assets!: Coming;
  private readonly code: Promise<Blob>;
  private readonly provider: Provider;
  /** What Python is made of here, by address. */
  private files = new Map<string, Blob>();
  private frame: RunnerFrame | undefined;
  private connections: Connections | undefined;
  private early: Decision[] | undefined = [];
  private readonly runnerReady = Promise.withResolvers<void>();
  private readonly say: Sentences;
  /** No program will run any more. */
  private over = false;

  constructor(private readonly options: SessionOptions) {
    const { places } = options;
    this.say = options.sentences ?? ENGLISH;
    const missed = (name: string, reason: string): void =>
      this.tell({ event: "notice", text: this.say.lacks(name, reason) });
    this.provider = new Provider(places.packageWorker, places.packageList, missed);
    this.code = blob(places.runnerWorker);
    this.open(false);
  }

  /** Begin; `whole`: without Python's memory. */
  private open(whole: boolean): void {
    this.worker = new Worker(this.options.places.sessionWorker);
    this.worker.onmessage = ({ data }: MessageEvent<SessionEvent>) => {
      if (data.event === "unrestored") return this.reopen();
      if (data.event === "broken") this.broken(data.message);
      else this.tell(data);
      // It says no more of what the program writes than the page has room for.
      if (data.event === "output") this.worker.postMessage({ do: "seen" } satisfies Seen);
    };
    // Where its script did not come, nobody says why.
    this.worker.onerror = (event) => this.broken(event.message ?? this.say.script);
    const { port1, port2 } = new MessageChannel();
    this.backstage = port1;
    this.backstage.onmessage = ({ data }: MessageEvent<Needs | { ready: true } | { kill: true }>) => {
      if ("needs" in data) void this.provider.provide(data);
      else if ("ready" in data) this.ready();
      else this.replace();
    };
    this.assets = this.fetchAll(whole);
    // A process of its own takes its time, which is that of loading.
    this.frame = new RunnerFrame(this.options.places.frame);
    void this.begin(port2);
  }

  /** Begin anew, in a browser that can't use Python's memory. */
  private reopen(): void {
    this.worker.terminate();
    this.connections?.close();
    this.frame?.remove();
    this.backstage.close();
    this.open(true);
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
      const assets = passOn(this.assets);
      const { rendezvous, contacts, catalogue } = this.options;
      const start: Start = { assets, backstage, rtc: this.rtc(), rendezvous, contacts: contacts ?? "", catalogue: catalogue ?? "" };
      this.worker.postMessage(start, start.rtc ? [assets, backstage, start.rtc] : [assets, backstage]);
      const runner = this.makeRunner(this.frame!);
      await Promise.all(Object.values(this.assets));
      this.tell({ event: "progress", stage: "starting", done: 1 });
      await runner;
    } catch (error) {
      this.broken(error instanceof Error ? error.message : String(error));
    }
  }

  /** The session's end of this page's WebRTC, where it has any. */
  private rtc(): MessagePort | undefined {
    if (typeof RTCPeerConnection === "undefined") return undefined;
    const { port1, port2 } = new MessageChannel();
    this.connections = new Connections(port1, toSession(this.options.pumped ?? false));
    return port2;
  }

  /** All of it at once; what is known to be needed only later begins then. */
  private fetchAll(whole: boolean): Coming {
    const { places } = this.options;
    const loading = new Loading((done, total) => this.tell({ event: "progress", stage: "loading", done, total }));
    const files = (this.files = new Map<string, Blob>());
    const get = async (name: Part): Promise<Blob> => {
      const blob = await loading.get(places[name], places.sizes[name]);
      files.set(places[name], blob);
      return blob;
    };
    loading.expect(places.sizes.wholeStdlib + places.sizes.wholeSite);
    const known = whole ? Promise.resolve(true) : this.known();
    // What is needed in any case tells meanwhile how fast the line is.
    const frugal = known.then(async (known) => known ?? (await loading.speed) < SLOW);
    const either = async (name: Part, instead: Part): Promise<Blob> => get((await frugal) ? instead : name);
    const memory = async (): Promise<Blob | undefined> => ((await frugal) ? undefined : get("memory"));
    void frugal.then(() => loading.expect(0));
    return { wasm: get("wasm"), stdlib: either("stdlib", "wholeStdlib"), site: either("site", "wholeSite"), memory: memory() };
  }

  /** Whether this browser has done without Python's memory before; undefined where it has nothing yet. */
  private async known(): Promise<boolean | undefined> {
    const { memory, wholeSite } = this.options.places;
    if (await isKept(memory)) return false;
    return (await isKept(wholeSite)) || undefined;
  }

  private async makeRunner(frame: RunnerFrame): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    const rtc = this.connections && this.options.direct !== false && !this.options.pumped ? new MessageChannel() : undefined;
    this.backstage.postMessage({ runner: port1, rtc: rtc?.port1 }, rtc ? [port1, rtc.port1] : [port1]);
    const [code] = await Promise.all([this.code, frame.loaded]);
    if (this.over) return;
    frame.failed = (reason) => this.backstage.postMessage({ gone: `its worker failed: ${reason}`, failed: true });
    frame.start(code, { assets: passOn(this.assets), control: port2 }, rtc?.port2);
  }

  /** A runner is. */
  private ready(): void {
    performance.mark("huddle-runner");
    this.runnerReady.resolve();
  }

  /** The runner is to be no more; another one gets ready for what comes next. */
  private replace(): void {
    this.frame?.remove();
    this.backstage.postMessage({ gone: "it was ended" });
    if (this.over) return;
    this.frame = new RunnerFrame(this.options.places.frame);
    void this.makeRunner(this.frame);
  }

  /** See that it takes less time at the next visit, where the page has a service worker by now, and so is to stay. */
  private async settle(): Promise<void> {
    await this.runnerReady.promise;
    await new Promise((resolve) => setTimeout(resolve, QUIET));
    const { serviceWorker } = navigator;
    if (!serviceWorker) return;
    if (!serviceWorker.controller) await new Promise((resolve) => serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
    if (this.over) return;
    await keep(this.files).catch(() => undefined); // where there is no room, it is loaded again
    performance.mark("huddle-kept");
  }

  private tell(event: SessionEvent): void {
    if (event.event === "ready") {
      performance.mark("huddle-session");
      for (const decision of this.early ?? []) this.worker.postMessage(decision);
      this.early = undefined;
      void this.settle();
    }
    if (event.event === "ended" || event.event === "broken") {
      this.endRunners();
      this.connections?.close();
    }
    for (const listener of [...this.listeners]) listener(event);
  }

  private broken(message: string): void {
    this.tell({ event: "broken", message, hint: this.say.reload });
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

  start(code: Blob, start: RunnerStart, rtc: MessagePort | undefined): void {
    const ports = [start.control, start.assets];
    this.element.contentWindow?.postMessage({ code, start, ports, rtc }, "*", rtc ? [...ports, rtc] : ports);
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
