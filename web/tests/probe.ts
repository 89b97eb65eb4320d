/**
 * A program that tries to get out of its frame, in the ways that a browser has: the attempts as data.
 *
 * Each is the body of a Python function that returns evidence, or raises where it is refused. `hole` names what
 * would let it through: probes.test.ts opens one hole after the other and sees that exactly its attempts get
 * through, so that none is refused only for a mistake in itself.
 */
export type Hole = "network" | "scripts" | "eval" | "workers" | "origin" | "page" | "peers" | "frame" | "surroundings";

interface Attempt {
  name: string;
  hole: Hole;
  /** Which engine has no such thing, or no way to open the hole for it. */
  missing?: "Firefox";
  /** `url` is a server's that a page could reach. */
  python: string;
}

const ATTEMPTS: readonly Attempt[] = [
  { name: "fetch", hole: "network", python: `return wait_for(lambda: js.fetch(url + "/probe/fetch", js.JSON.parse('{"mode": "no-cors"}'))).type` },
  {
    name: "XMLHttpRequest",
    hole: "network",
    python: `
        made = js.XMLHttpRequest.new()
        made.open("GET", url + "/probe/request", False)
        made.send()
        return made.status`,
  },
  {
    name: "WebSocket",
    hole: "network",
    python: `return event(js.WebSocket.new(url.replace("http", "ws", 1) + "/probe/socket"), "onopen")`,
  },
  { name: "EventSource", hole: "network", python: `return event(js.EventSource.new(url + "/probe/events"), "onopen")` },
  {
    name: "importScripts",
    hole: "scripts",
    python: `
        js.importScripts(url + "/probe/script.js")
        return js.reached`,
  },
  {
    name: "importScripts of the prototype",
    hole: "scripts",
    python: `
        js.WorkerGlobalScope.prototype.importScripts.call(js.self, url + "/probe/script.js")
        return js.reached`,
  },
  { name: "eval", hole: "eval", python: `return js.eval("6 * 7")` },
  { name: "Function", hole: "eval", python: `return js.Function.new("return 6 * 7")()` },
  {
    name: "setTimeout of a text",
    hole: "eval",
    python: `
        js.setTimeout("self.timed = 42")
        until(lambda: hasattr(js, "timed"))
        return js.timed`,
  },
  {
    name: "worker within the worker",
    hole: "workers",
    python: `
        make = js.Worker.new
        if "Firefox" in js.navigator.userAgent:
            return "its constructor"  # it never returns within a worker, now and then, on a machine that is busy
        code = js.Blob.new(js.JSON.parse('["postMessage(42)"]'))
        return event(make(js.URL.createObjectURL(code)), "onmessage")`,
  },
  { name: "indexedDB", hole: "origin", python: `return event(js.indexedDB.open("huddle-probe"), "onsuccess")` },
  { name: "caches", hole: "origin", python: `return wait_for(lambda: js.caches.open("huddle-probe"))` },
  { name: "private files of the site", hole: "origin", python: `return wait_for(lambda: js.navigator.storage.getDirectory())` },
  {
    name: "BroadcastChannel",
    hole: "origin",
    python: `
        channel = js.BroadcastChannel.new("huddle-probe")
        js.setTimeout(create_proxy(lambda: channel.postMessage("hello")))
        return event(channel, "onmessage")`,
  },
  {
    name: "origin",
    hole: "origin",
    python: `
        if js.origin == "null":
            raise PermissionError("none")
        return js.origin`,
  },
  { name: "document of the page", hole: "page", python: `return js.parent.document.title` },
  { name: "address of the page", hole: "page", python: `return js.top.location.href` },
  { name: "cookies", hole: "page", python: `return js.document.cookie` },
  { name: "localStorage", hole: "page", python: `return js.localStorage.length` },
  { name: "RTCPeerConnection", hole: "peers", python: `return js.RTCPeerConnection.new()` },
  { name: "RTCIceTransport", hole: "peers", python: `return js.RTCIceTransport.new()` },
  {
    // In the words in which its session asks the frame for one, by a server that the program names.
    name: "connection of the frame",
    missing: "Firefox",
    hole: "frame",
    python: `
        came = []
        js.addEventListener("message", create_proxy(lambda event: came.append(event.data)))
        js.postMessage(js.JSON.parse('{"open": 7, "servers": [{"urls": "stun:127.0.0.1:9"}], "way": {"peer": 1, "number": 1}}'))
        if not until(lambda: came):
            raise PermissionError("silence")
        return came[0].way.number`,
  },
  { name: "USB", missing: "Firefox", hole: "origin", python: `return wait_for(lambda: js.navigator.usb.getDevices()).length` },
  { name: "serial ports", hole: "origin", python: `return wait_for(lambda: js.navigator.serial.getPorts()).length` },
  {
    name: "environment",
    hole: "surroundings",
    python: `
        found = {name for name in os.environ if "HUDDLE" in name or name in ("USERNAME", "SSH_AUTH_SOCK", "TS_AUTHKEY")}
        if not found:
            raise PermissionError("nothing")
        return found`,
  },
  {
    name: "files of others",
    hole: "surroundings",
    python: `
        found = [os.path.join(folder, name) for top in ("/home", "/tmp", "/root", "/mnt", "/data")
                 for folder, _, names in os.walk(top) for name in names if not folder.startswith(os.getcwd())]
        if not found:
            raise PermissionError("nothing")
        return found`,
  },
];

/** Python that opens those holes that are none of the browser's: what the program would find there. */
const OPENED: Partial<Record<Hole, string>> = {
  page: `
    there = js.JSON.parse('{"title": "page", "cookie": "a=1", "href": "x", "length": 1}')
    js.document = js.localStorage = there
    js.parent = js.top = js.JSON.parse('{"document": {"title": "page"}, "location": {"href": "x"}}')`,
  peers: `
    js.RTCPeerConnection = js.RTCIceTransport = js.EventTarget`,
  surroundings: `
    os.environ["HUDDLE_HOME"] = "somewhere"
    open("/tmp/key", "w").close()`,
};

/** Looks, 50 ms apart, until what can't come is not waited for any more; and what will come, as its hole is open, however late. */
const FEW = 20;
const MANY = 6000;

/** The attempts that get through in this engine with this hole open. */
export const through = (engine: string, hole: Hole | undefined): Attempt[] => ATTEMPTS.filter((one) => one.hole === hole && one.missing !== engine);

/** The program, which is told the server by its first argument, with this hole open in this engine. */
export const probe = (engine = "", hole?: Hole): string => `
import os
import sys
from mpyc.runtime import mpc

def tried(name, attempt):
    try:
        result = attempt()
    except BaseException as error:
        print(name, "| refused:", type(error).__name__, str(error).split("\\n")[0][:200], flush=True)
    else:
        print(name, "| REACHED:", result, flush=True)

if sys.platform == "emscripten":
    import asyncio
    import js
    from pyodide.ffi import create_proxy, run_sync
    from pyodide.webloop import WebLoop

    url = sys.argv[1].rstrip("/")

    def wait_for(ask):
        asyncio._set_running_loop(WebLoop())
        try:
            return run_sync(ask())
        finally:
            asyncio._set_running_loop(None)

    def pause(milliseconds):
        wait_for(lambda: js.Promise.new(create_proxy(lambda done, _: js.setTimeout(done, milliseconds))))

    def until(there):
        """Whether it is there, after as many looks as this attempt has."""
        for _ in range(looks):
            pause(50)
            if there():
                return True
        return False

    def event(source, name):
        """Whether that event comes; an error, and silence, is a refusal."""
        came = []
        setattr(source, name, create_proxy(lambda event: came.append(event.type)))
        source.onerror = create_proxy(lambda event: came.append("error"))
        until(lambda: came)
        # What comes later must not call Python, which may wait for something else then, and hang.
        setattr(source, name, None)
        source.onerror = None
        if came[:1] != [name[2:]]:
            raise PermissionError(came or "silence")
        return came[0]
${(hole && OPENED[hole]) ?? ""}
${ATTEMPTS.map(({ python }, at) => `
    def attempt_${at}():
        ${python.trimStart()}
`).join("")}
${ATTEMPTS.map((attempt, at) => `    looks = ${through(engine, hole).includes(attempt) ? MANY : FEW}
    tried(${JSON.stringify(attempt.name)}, attempt_${at})`).join("\n")}
    print("own file:", open("own.txt").read() if "--mine" in sys.argv else "none")
    print("own arguments:", *sys.argv[sys.argv.index("--mine") if "--mine" in sys.argv else len(sys.argv):])

with open("left.txt", "w") as file:
    file.write("behind")

async def main():
    await mpc.start()
    print("sum", await mpc.output(mpc.sum(mpc.input(mpc.SecInt()(3)))))
    await mpc.shutdown()

mpc.run(main())
`;

/** The attempts that got through, by the program's output; throws where one is missing there. */
export function reached(output: string): string[] {
  return ATTEMPTS.filter(({ name }) => {
    const line = output.split("\n").find((line) => line.startsWith(`${name} | `));
    if (!line) throw new Error(`${name} was not tried: ${output}`);
    return line.includes("| REACHED:");
  }).map(({ name }) => name);
}
