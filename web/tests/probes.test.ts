/**
 * The attempts of probe.ts against the frame and the worker as they are built, one hole after the other opened:
 * with none of them nothing gets through, with one exactly what it is for.
 */
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, serveCore } from "./browser";
import { FirefoxPerson } from "./firefox";
import { probe, reached, through, type Hole } from "./probe";

/** What is changed of the frame's policy, its attributes and the start of the worker's script. */
interface Change {
  policy?: (policy: string) => string;
  sandbox?: string;
  script?: (script: string) => string;
  /** Before the frame's own script. */
  frame?: string;
}

const without = (banner: RegExp) => (script: string): string => {
  expect(script).toMatch(banner);
  return script.replace(banner, "");
};
const HOLES: Record<Hole, Change> = {
  network: { policy: (policy) => `${policy}; connect-src *` },
  scripts: {
    policy: (policy) => policy.replace("script-src", "script-src http://127.0.0.1:*"),
    script: without(/self\.importScripts=\(\)=>\{[^}]*\},/),
  },
  eval: { policy: (policy) => policy.replace("script-src", "script-src 'unsafe-eval'") },
  workers: { script: without(/delete self\.Worker,/) },
  origin: { sandbox: "allow-scripts allow-same-origin" },
  page: {},
  peers: {},
  // A frame that hears its worker as it hears the session worker.
  frame: {
    frame: `let heard; addEventListener("message", ({ data }) => { heard = data.rtc; });
      Worker = class extends Worker { constructor(...args) { super(...args); this.addEventListener("message", (event) => heard.onmessage(event)); } };`,
  },
  surroundings: {},
};

/** A server that answers whatever a program asks for, and knows what that was. */
async function server(): Promise<{ url: string; asked: string[]; server: Server }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const type = request.url === "/probe/events" ? "text/event-stream" : "text/javascript";
    response.writeHead(200, { "content-type": type, "access-control-allow-origin": "*" });
    if (request.url === "/probe/events") response.write("data: x\n\n");
    else response.end("self.reached = 42");
  });
  server.on("upgrade", (request, socket) => {
    asked.push(request.url ?? "");
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash("sha1").update(key).digest("base64");
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, server };
}

let changed: string;
let core: Awaited<ReturnType<typeof serveCore>>;
let target: Awaited<ReturnType<typeof server>>;
let browser: { context: BrowserContext; close: () => Promise<void> };
let fay: FirefoxPerson;

/** As much of a page as is used, whoever drives it. */
interface Opened {
  goto(address: string): Promise<unknown>;
  evaluate<Given, Result>(script: (given: Given) => Result, given: Given): Promise<Awaited<Result>>;
  close(): Promise<void>;
}
const ENGINES = {
  Chromium: async () => (await browser.context.newPage()) as Opened,
  Firefox: async () => (await fay.page.browser().newPage()) as unknown as Opened,
};
type Engine = keyof typeof ENGINES;

beforeAll(async () => {
  changed = await mkdtemp(join(tmpdir(), "huddle-frame-"));
  [core, target, browser, fay] = await Promise.all([serveCore({ changed }), server(), launch(), FirefoxPerson.at("about:blank")]);
});

afterAll(async () => {
  await Promise.all([browser.close(), fay.close()]);
  core.server.close();
  target.server.closeAllConnections();
  target.server.close();
  await rm(changed, { recursive: true, maxRetries: 10 });
});

/** What the program writes in a runner of this kind, alone. */
async function run(engine: Engine, change: Change, source: string): Promise<string> {
  const page = await ENGINES[engine]();
  try {
    await page.goto(core.url);
    const text = async (place: string): Promise<string> => (await fetch(core.url + place)).text();
    const [frame, script] = await Promise.all([text("frame.html"), text("runner-worker.js")]);
    const [, policy = ""] = /content="([^"]*)"/.exec(frame) ?? [];
    // From a real server: a browser lets nothing that came from nowhere reach this machine.
    let changedFrame = frame.replace(policy, change.policy?.(policy) ?? policy);
    if (change.frame) {
      const [, own = ""] = /<script>([^]*)<\/script>/.exec(frame) ?? [];
      const hash = createHash("sha256").update(change.frame + own).digest("base64");
      changedFrame = changedFrame.replace(own, () => change.frame + own).replace(/sha256-[^']*/, () => `sha256-${hash}`);
    }
    await writeFile(join(changed, "frame.html"), changedFrame);
    return await page.evaluate(
      async ({ sandbox, script, source, url }) => {
        const blob = async (place: string): Promise<Blob> => (await fetch(place)).blob();
        const [wasm, stdlib, site, memory] = await Promise.all(["pyodide.asm.wasm", "python_stdlib.zip", "site.zip", "python-memory.bin"].map(blob));
        // Who is of the page's origin can talk to the page.
        const channel = new BroadcastChannel("huddle-probe");
        channel.onmessage = () => channel.postMessage("hello");
        const element = document.createElement("iframe");
        element.setAttribute("sandbox", sandbox);
        element.src = "changed/frame.html";
        const loaded = new Promise<void>((resolve) => addEventListener("message", () => resolve(), { once: true }));
        document.body.append(element);
        await loaded;
        const { port1: control, port2 } = new MessageChannel();
        const { port1: parts, port2: assets } = new MessageChannel();
        for (const part of Object.entries({ wasm, stdlib, site, memory })) parts.postMessage(part);
        const ports = [port2, assets];
        const start = { assets, control: port2 };
        const rtc = new MessageChannel().port2;
        element.contentWindow?.postMessage({ code: new Blob([script]), start, ports, rtc }, "*", [...ports, rtc]);
        let written = "";
        const decoder = new TextDecoder();
        return new Promise<string>((resolve, reject) => {
          const stream = (heard: boolean): MessagePort => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = ({ data }) => {
              if (heard && data instanceof ArrayBuffer) written += decoder.decode(data, { stream: true });
              if (heard && data === null && --open === 0) resolve(written);
            };
            return port2;
          };
          let open = 2; // standard output, and errors
          control.onmessage = ({ data }) => {
            if ("failed" in data) reject(new Error(String(data.failed)));
            if (!("ready" in data)) return;
            const config = { pid: 0, names: ["Ann"], entry: "probe.py", args: [url], flags: [], max_queue: 0, folders: [], workdir: "" };
            const [stdin, stdout, stderr] = [stream(false), stream(true), stream(true)];
            const files = { "probe.py": new TextEncoder().encode(source) };
            control.postMessage({ config: JSON.stringify(config), files, peers: [], stdin, stdout, stderr }, [stdin, stdout, stderr]);
          };
        });
      },
      { sandbox: change.sandbox ?? "allow-scripts", script: change.script?.(script) ?? script, source, url: target.url },
    );
  } finally {
    await page.close();
  }
}

const each = Object.keys(ENGINES) as Engine[];

test.each(each)("nothing gets through in %s, and no server hears of it", async (engine) => {
  target.asked.length = 0;
  const output = await run(engine, {}, probe());
  expect(reached(output), output).toEqual([]);
  expect(target.asked).toEqual([]);
});

const holes = each.flatMap((engine) => (Object.keys(HOLES) as Hole[]).map((hole) => [engine, hole] as const));

test.each(holes)("in %s, with the hole %s open exactly what it lets through is seen", async (engine, hole) => {
  const output = await run(engine, HOLES[hole], probe(engine, hole));
  expect(reached(output), output).toEqual(through(engine, hole).map(({ name }) => name));
});
