/** Where the build put what the workers are made of (workers.mjs makes it, in build/). */
import type { Places } from "../core/session";
import frame from "../../build/frame.html?url&no-inline";
import packageWorker from "../../build/package-worker.js?url&no-inline";
import packageList from "../../build/pyodide-packages.json?url&no-inline";
import wasm from "../../build/pyodide.asm.wasm?url&no-inline";
import memory from "../../build/python-memory.bin?url&no-inline";
import wholeStdlib from "../../build/python_stdlib-whole.zip?url&no-inline";
import stdlib from "../../build/python_stdlib.zip?url&no-inline";
import runnerWorker from "../../build/runner-worker.js?url&no-inline";
import sessionWorker from "../../build/session-worker.js?url&no-inline";
import sizes from "../../build/sizes.json";
import wholeSite from "../../build/site-whole.zip?url&no-inline";
import site from "../../build/site.zip?url&no-inline";

export const places: Places = { sessionWorker, runnerWorker, frame, wasm, stdlib, site, memory, wholeStdlib, wholeSite, packageWorker, packageList, sizes };
