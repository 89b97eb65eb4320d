/** The core without a page around it, for tests and measurements: everything lies beside this script. */
import sizes from "../../build/sizes.json";
import { openSession as open, type Places, type SessionOptions } from "./session";
import type { Session } from "./protocol";

const places: Places = {
  sessionWorker: "session-worker.js",
  runnerWorker: "runner-worker.js",
  frame: "frame.html",
  wasm: "pyodide.asm.wasm",
  stdlib: "python_stdlib.zip",
  site: "site.zip",
  memory: "python-memory.bin",
  wholeStdlib: "python_stdlib-whole.zip",
  wholeSite: "site-whole.zip",
  packageWorker: "package-worker.js",
  packageList: "pyodide-packages.json",
  sizes,
};

export function openSession(rendezvous: string, options: Pick<SessionOptions, "pumped" | "direct"> = {}): Session {
  return open({ places, rendezvous, ...options });
}
