/** Files from this device and to it. */

export type Files = Record<string, Uint8Array>;

/** Larger ones are not carried by the ceremony. */
export const PROGRAM_LIMIT = 1 << 20;

/** Chosen files by name, or by the path within the chosen folder. */
export async function read(list: FileList | readonly File[]): Promise<Files> {
  const files: Files = {};
  for (const file of list) {
    const path = file.webkitRelativePath.split("/").slice(1).join("/") || file.name;
    files[path] = new Uint8Array(await file.arrayBuffer());
  }
  return files;
}

/** Which of the files is the program: the only one in Python at the top, else one with a usual name. */
export function guessEntry(files: Files): string {
  const top = Object.keys(files).filter((path) => path.endsWith(".py") && !path.includes("/"));
  return top.find((path) => ["__main__.py", "main.py"].includes(path)) ?? top[0] ?? "";
}

export const total = (files: Files): number => Object.values(files).reduce((n, data) => n + data.length, 0);

export function save(name: string, data: Uint8Array | string): void {
  const url = URL.createObjectURL(new Blob([data as BlobPart], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name.split("/").at(-1) ?? name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Whether a session's record is one party's word alone, since the session was cut short. */
export const isUnfinished = (record: Uint8Array): boolean =>
  new TextDecoder().decode(record.subarray(0, 17)) === "huddle unfinished";

/** Arguments as a person types them: spaces separate, quotes hold together. */
export function splitArguments(line: string): string[] {
  const found: string[] = [];
  for (const [, double, single, bare] of line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)) {
    found.push(double ?? single ?? bare ?? "");
  }
  return found;
}

export function joinArguments(args: readonly string[]): string {
  return args.map((arg) => (/^[^\s"']+$/.test(arg) ? arg : arg.includes("'") ? `"${arg}"` : `'${arg}'`)).join(" ");
}
