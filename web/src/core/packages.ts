/**
 * Packages of Pyodide's distribution that a program imports: which files these are, and where they come from.
 *
 * The build has a list of them (`pyodide-packages.json`, made of Pyodide's own lock file): every file's name
 * and hash, and what it needs. The server of the page may have some of them in `packages/`, with a list of
 * the same kind (`index.json`; huddle/rendezvous/server/packages.py), which may name a `source` for all others. A
 * file counts only with the hash that the build's list has for its package, and with the server's own where
 * that package is none of Pyodide's.
 *
 * The names come from the files of the program that all have signed, before it runs, so that nothing which a
 * program does can tell anybody anything by what is fetched.
 */

/** As in Pyodide's lock file. */
export interface Package {
  version: string;
  file_name: string;
  sha256: string;
  imports: string[];
  depends: string[];
}

export interface List {
  packages: Record<string, Package>;
  /** Where files can be had that are not in `packages/`; nowhere if it is empty. */
  source: string;
}

export interface Wanted {
  name: string;
  url: string;
  sha256: string;
}

/** What a runner gets: wheels, and for names that nothing is there for, why. */
export interface Given {
  wheels: { name: string; data: Blob }[];
  missing: Record<string, string>;
}

/** To the worker that fetches; `Given` is its answer. */
export interface Order {
  imports: string[];
  /** Address of the build's list. */
  list: string;
  /** Address of the server's packages, a directory. */
  packages: string;
}

const FILE = /^[\w.+-]+\.whl$/;
const HASH = /^[0-9a-f]{64}$/;

/** The list in a file; throws an error that says what is wrong with it. */
export function listIn(value: unknown): List {
  const { packages, source } = value as Partial<List>;
  if (typeof packages !== "object" || packages === null) throw new Error("it lists no packages");
  if (source !== undefined && typeof source !== "string") throw new Error("its source is no address");
  const texts = (list: unknown): boolean => Array.isArray(list) && list.every((one) => typeof one === "string");
  for (const [name, one] of Object.entries(packages))
    if (!FILE.test(one.file_name) || !HASH.test(one.sha256) || !texts(one.imports) || !texts(one.depends))
      throw new Error(`what it says of ${name} can't be read`);
  return { packages, source: source ?? "" };
}

/** What these imports need, by their names, and why what can't be had can't. */
export interface Resolved {
  needs: Record<string, Wanted[]>;
  missing: Record<string, string>;
}

export function resolve(imports: string[], list: List, served: List, packages: string): Resolved {
  const needs: Record<string, Wanted[]> = {};
  const missing: Record<string, string> = {};

  const place = (name: string): Wanted => {
    const known = list.packages[name];
    const here = served.packages[name];
    if (here && known && here.sha256 !== known.sha256)
      throw new Error(`what this server has as ${name} is not version ${known.version} of Pyodide's distribution`);
    if (here) return { name, url: new URL(here.file_name, packages).href, sha256: here.sha256 };
    if (!known) throw new Error("nothing by this name can be had here");
    if (!served.source)
      throw new Error(`this server has no ${name} ${known.version}; whoever runs it can add it: huddle web vendor ${name}`);
    return { name, url: new URL(known.file_name, served.source).href, sha256: known.sha256 };
  };

  for (const module of imports) {
    const found = new Map<string, Wanted>();
    const add = (name: string): void => {
      if (found.has(name)) return;
      found.set(name, place(name));
      for (const other of (list.packages[name] ?? served.packages[name])?.depends ?? []) add(other);
    };
    try {
      add(providing(module, served) ?? providing(module, list) ?? module);
      needs[module] = [...found.values()];
    } catch (error) {
      missing[module] = error instanceof Error ? error.message : String(error);
    }
  }
  return { needs, missing };
}

function providing(module: string, { packages }: List): string | undefined {
  return Object.keys(packages).find((name) => packages[name]!.imports.includes(module));
}
