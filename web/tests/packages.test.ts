/**
 * Packages in a browser: a real wheel with WebAssembly of its own, and one of plain Python that MPyC looks for,
 * from a local index by way of `huddle web vendor` and `huddle serve`; what is missing, and what is not what
 * it should be. Pyodide's own distribution is on its CDN and is not tried here.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { BrowserContext } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HUDDLE, ROOT, Tab, people, rendezvous, coreAndRendezvous } from "./browser";
import { needPage } from "./people";
import { resolve, type List, type Package } from "../src/core/packages";

const run = promisify(execFile);

/** What MPyC takes of gmpy2, in plain Python, so that a test can tell that it was taken. */
const GMPY2 = `
import math
version = lambda: "of the test"
mpz = int
powmod = pow
def invert(x, m): return pow(x, -1, m)
def is_prime(x, n=25): return x > 1 and all(x % p for p in range(2, min(math.isqrt(x), 1000) + 1))
def next_prime(x):
    x += 1
    while not is_prime(x): x += 1
    return x
def prev_prime(x):
    x -= 1
    while not is_prime(x): x -= 1
    return x
gcdext = legendre = jacobi = kronecker = is_square = iroot = None
isqrt = math.isqrt
`;

const PROGRAM = `
import sys
import gmpy2, flint
from mpyc import gmpy
from mpyc.numpy import np
from mpyc.runtime import mpc

async def main():
    await mpc.start()
    p = flint.fmpz(2) ** 127 - 1
    print("flint", flint.__version__, bool(p.is_prime()), int(flint.fmpz_mat([[1, 2], [3, 4]]).det()), flush=True)
    print("gmpy2", gmpy2.version(), gmpy.powmod is gmpy2.powmod, "numpy", np, flush=True)
    print("total", await mpc.output(mpc.sum(mpc.input(mpc.SecInt(32)(mpc.pid + 1)))), flush=True)
    await mpc.shutdown()

mpc.run(main())
import importlib
importlib.import_module("scipy" + ".linalg")
`;

const LISTED = "pyodide-packages.json";

const UNNAMED = "scipy is not here: packages are fetched before a program starts, and none of its import statements names it.";

let folder: string;
let index: Server;
let served: Record<string, Package>;
let packages: string;
let chromium: { contexts: BrowserContext[]; close: () => Promise<void> };

const address = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

/** The wheel of python-flint for Pyodide, as the package index has it; kept for the next time. */
async function flint(): Promise<string> {
  const kept = join(ROOT, "web/build/wheels");
  const file = "python_flint-0.9.0-cp314-cp314-pyemscripten_2026_0_wasm32.whl";
  const platform = ["--platform", "pyemscripten_2026_0_wasm32", "--python-version", "3.14", "--implementation", "cp", "--abi", "cp314"];
  if (!(await readFile(join(kept, file)).catch(() => undefined)))
    await run("python3", ["-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", ...platform, "--require-hashes", "-r", join(ROOT, "web/tests/flint.txt"), "-d", kept]);
  return join(kept, file);
}

async function pure(name: string, source: string): Promise<string> {
  const path = join(folder, "index", `${name}-1-py3-none-any.whl`);
  const code = "import sys, zipfile; zipfile.ZipFile(sys.argv[1], 'w').writestr(sys.argv[2], sys.argv[3])";
  await run("python3", ["-c", code, path, `${name}.py`, source]);
  return path;
}

async function listed(path: string, version: string, imports: string[], depends: string[] = []): Promise<Package> {
  const sha256 = createHash("sha256").update(await readFile(path)).digest("hex");
  return { version, file_name: path.split("/").pop()!, sha256, imports, depends };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "huddle-packages-"));
  packages = join(folder, "packages");
  await mkdir(join(folder, "index"));
  const [wheel, gmpy2] = await Promise.all([flint(), pure("gmpy2", GMPY2)]);
  await run("cp", [wheel, join(folder, "index")]);
  served = { "python-flint": await listed(wheel, "0.9.0", ["flint"]), gmpy2: await listed(gmpy2, "1", ["gmpy2"]) };
  await writeFile(join(folder, "list.json"), JSON.stringify({ packages: served }));
  // As the page's own list has them, but that gmpy2 is the test's.
  const { packages: real } = JSON.parse(await readFile(join(ROOT, "web/build", LISTED), "utf8")) as List;
  await writeFile(join(folder, LISTED), JSON.stringify({ packages: { ...real, gmpy2: served["gmpy2"] } }));
  index = createServer((request, response) => {
    // As a CDN, it lets every page read what it has.
    response.setHeader("access-control-allow-origin", "*");
    const file = request.url!.slice(1);
    if (file.startsWith("numpy-")) response.end("something else");
    else
      void readFile(join(folder, "index", file)).then(
        (data) => response.end(data),
        () => response.writeHead(404).end(),
      );
  }).listen(0, "127.0.0.1");
  chromium = await people(2);
  await run(HUDDLE, ["web", "vendor", "python-flint", "gmpy2", "--to", packages, "--from", address(index), "--list", join(folder, "list.json")]);
});

afterAll(async () => {
  await chromium?.close();
  index?.close();
  await rm(folder, { recursive: true, maxRetries: 10 });
});

test(
  "a program gets what it imports, also what the MPyC in memory has not found; what is not there is told before and after",
  async () => {
    const [core, meeting] = await coreAndRendezvous({ packages, [LISTED]: join(folder, LISTED) });
    try {
      const tabs = await Promise.all(chromium.contexts.map((context) => Tab.open(context, core.url, meeting.url)));
      const program = { entry: "program.py", files: { "program.py": PROGRAM }, args: [] };
      await tabs[0]!.send({ do: "host", name: "Ann", parties: 2, program });
      const { url } = await tabs[0]!.events.until("invitation");
      await tabs[1]!.send({ do: "join", name: "Ben", invitation: url });
      for (const { events, page } of tabs) {
        await events.until("ended");
        const told = events.all.filter((event) => ["run", "error", "notice", "ended"].includes(event.event));
        expect(events.output, JSON.stringify(told)).toContain("flint 0.9.0 True -2");
        expect(events.output).toContain("gmpy2 of the test True numpy None");
        expect(events.output).toContain("total 3");
        const missed = events.all.flatMap((event) => (event.event === "notice" ? [event.text] : []));
        expect(missed.filter((text) => text.includes("numpy"))).toEqual([
          "The program imports numpy, which is not here: this server has no numpy 2.4.6; whoever runs it can add it: huddle web vendor numpy.",
        ]);
        await page.close();
      }
      // Who is slower is told only that the other one has failed.
      expect(tabs.some(({ events }) => events.output.trimEnd().endsWith(UNNAMED))).toBe(true);
      expect(core.asked.filter((path) => path.endsWith(".whl")).sort()).toEqual(
        Object.values(served).flatMap((one) => Array(2).fill(`/packages/${one.file_name}`)).sort(),
      );
    } finally {
      core.server.close();
      await meeting.end();
    }
  },
);

test(
  "the page that a rendezvous serves has packages from there and from the source it names, and from nowhere else",
  async () => {
    needPage();
    const source = address(index);
    const [open, closed] = await Promise.all([
      rendezvous("--packages", packages, "--package-source", source),
      rendezvous("--packages", packages),
    ]);
    const page = await chromium.contexts[1]!.newPage();
    const ask = (packages_: string, ...imports: string[]): Promise<Asked> => page.evaluate(ASK, { imports, packages: packages_ });
    try {
      const elsewhere: string[] = [];
      // What is read from memory asks nobody.
      page.on("request", (request) => request.url().startsWith(open.url) || request.url().startsWith("blob:") || elsewhere.push(request.url()));
      await page.goto(open.url);
      await page.getByRole("button", { name: "Host a session" }).waitFor();
      expect(elsewhere, "the page asks nobody but its server").toEqual([]);
      const here = new URL("packages/", open.url).href;
      // The source is reached, and what it has by this name is refused, as are the test's own files by that of Pyodide's gmpy2.
      expect(await ask(here, "flint", "gmpy2", "numpy")).toEqual({
        wheels: ["python-flint"],
        missing: {
          gmpy2: expect.stringContaining("is not version 2.3.0 of Pyodide's distribution"),
          numpy: expect.stringMatching(/^what .* sends is not numpy: it has another SHA-256$/),
        },
      });
      await page.goto(closed.url);
      expect((await ask(new URL("packages/", closed.url).href, "scipy")).missing["scipy"]).toContain("this server has no scipy");
      expect((await ask(source, "flint")).missing["flint"]).toContain("can't be reached");
    } finally {
      await page.close();
      await Promise.all([open.end(), closed.end()]);
    }
  },
);

interface Asked {
  wheels: string[];
  missing: Record<string, string>;
}

/** What the page's worker for packages says, in the page. */
const ASK = async ({ imports, packages: place }: { imports: string[]; packages: string }): Promise<Asked> => {
  const worker = new Worker("package-worker.js");
  const given = await new Promise<{ wheels: { name: string }[]; missing: Record<string, string> }>((answer, fail) => {
    worker.onmessage = ({ data }) => answer(data);
    worker.onerror = (event) => fail(new Error(event.message));
    worker.postMessage({ imports, list: new URL("pyodide-packages.json", location.href).href, packages: place });
  });
  worker.terminate();
  return { wheels: given.wheels.map(({ name }) => name), missing: given.missing };
};

const NUMPY: Package = { version: "2.4.6", file_name: "numpy-2.4.6.whl", sha256: "a".repeat(64), imports: ["numpy"], depends: [] };
const SCIPY: Package = { ...NUMPY, file_name: "scipy-1.whl", imports: ["scipy"], depends: ["numpy"] };
const LIST: List = { packages: { numpy: NUMPY, scipy: SCIPY }, source: "https://cdn.example/" };
const HERE = "https://huddle.example/packages/";
const found = (imports: string[], here: Partial<List>): ReturnType<typeof resolve> =>
  resolve(imports, LIST, { packages: {}, source: "", ...here }, HERE);
const urls = ({ needs }: ReturnType<typeof resolve>): Record<string, string[]> =>
  Object.fromEntries(Object.entries(needs).map(([name, all]) => [name, all.map((one) => one.url)]));

test("the server's own files come first, another source is asked where one is named", () => {
  const source = "https://mirror.example/full/";
  const both = found(["scipy", "numpy"], { packages: { numpy: NUMPY }, source });
  expect(urls(both)).toEqual({
    scipy: [`${source}scipy-1.whl`, `${HERE}numpy-2.4.6.whl`],
    numpy: [`${HERE}numpy-2.4.6.whl`],
  });
  expect(both.missing).toEqual({});
});

test("the build's own source is never asked by itself; half of what is needed is nothing", () => {
  const { needs, missing } = found(["scipy", "nothing"], { packages: { scipy: SCIPY } });
  expect(needs).toEqual({});
  expect(missing["scipy"]).toContain("this server has no numpy 2.4.6");
  expect(missing["nothing"]).toContain("nothing by this name");
});

test("a server can't pass another file off as a package of Pyodide's", () => {
  const { needs, missing } = found(["numpy"], { packages: { numpy: { ...NUMPY, sha256: "b".repeat(64) } } });
  expect(needs).toEqual({});
  expect(missing["numpy"]).toContain("is not version 2.4.6 of Pyodide's distribution");
});
