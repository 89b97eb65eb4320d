/**
 * What a worker's Python is made of. It reaches the worker part by part, each as soon as it is here: WebAssembly is
 * compiled, and the worker's own script read, while the rest still comes over the line.
 *
 * By a port, on which the page says `[name, part]` once for each.
 */

/** Blobs, which are shared and not copied when they are posted. */
export interface Assets {
  wasm: Blob;
  stdlib: Blob;
  /** Huddle, MPyC and what they need. */
  site: Blob;
  /**
   * Python's memory after its start, which the build has made (compile.mjs); the archives lack what is in it.
   * Without it they are whole, and Python starts by itself.
   */
  memory: Blob | undefined;
}

type Name = keyof Assets;

/** The same while it comes. */
export type Coming = { [Part in Name]: Promise<Assets[Part]> };

const NAMES: readonly Name[] = ["wasm", "stdlib", "site", "memory"];

/** A port for a worker, on which it finds each part; one that does not come is for somebody else to report. */
export function passOn(assets: Coming): MessagePort {
  const { port1, port2 } = new MessageChannel();
  for (const name of NAMES)
    void assets[name].then(
      (part) => port1.postMessage([name, part]),
      () => undefined,
    );
  return port2;
}

/** In a worker: what comes on such a port. */
export function coming(port: MessagePort): Coming {
  const awaited = new Map(NAMES.map((name) => [name, Promise.withResolvers<Blob | undefined>()]));
  port.onmessage = ({ data: [name, part] }: MessageEvent<[Name, Blob | undefined]>) => awaited.get(name)?.resolve(part);
  return Object.fromEntries([...awaited].map(([name, { promise }]) => [name, promise])) as Coming;
}

/** What is here already. */
export function here(assets: Assets): Coming {
  return Object.fromEntries(NAMES.map((name) => [name, Promise.resolve(assets[name])])) as Coming;
}
