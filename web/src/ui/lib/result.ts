/** What a program wrote, taken apart for being read: text, tables, pictures. All of it is a stranger's. */

export type Block = { kind: "text"; text: string } | { kind: "table"; head: string[]; rows: string[][] };

const RULE = /^\s*\|?(\s*:?-{2,}:?\s*\|)+\s*(:?-{2,}:?)?\s*$/;
const MOST_ROWS = 200;

const cells = (line: string): string[] =>
  line
    .trim()
    .replace(/^\||\|$/g, "")
    .split("|")
    .map((cell) => cell.trim());

/** Text with Markdown's tables taken out of it. */
export function blocks(text: string): Block[] {
  const found: Block[] = [];
  const lines = text.split("\n");
  let plain: string[] = [];
  const flush = (): void => {
    if (plain.some((line) => line.trim() !== "")) found.push({ kind: "text", text: plain.join("\n").replace(/^\n+|\s+$/g, "") });
    plain = [];
  };
  for (let i = 0; i < lines.length; i++) {
    const [head, rule] = [lines[i]!, lines[i + 1]];
    if (!head.includes("|") || rule === undefined || !RULE.test(rule) || cells(head).length !== cells(rule).length) {
      plain.push(head);
      continue;
    }
    flush();
    const rows: string[][] = [];
    for (i += 2; i < lines.length && lines[i]!.includes("|"); i++) rows.push(cells(lines[i]!));
    i--;
    found.push({ kind: "table", head: cells(head), rows: rows.slice(0, MOST_ROWS) });
  }
  flush();
  return found;
}

/** A file of values with commas (or semicolons, or tabs) between them; undefined where it is none that can be shown. */
export function tableOf(data: Uint8Array): { head: string[]; rows: string[][] } | undefined {
  if (data.length > 1 << 20) return undefined;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(data);
  } catch {
    return undefined;
  }
  const first = text.split("\n", 1)[0]!;
  const comma = [",", ";", "\t"].reduce((one, other) => (first.split(other).length > first.split(one).length ? other : one));
  const rows: string[][] = [[]];
  const field = new RegExp(`("(?:[^"]|"")*"|[^${comma}"\\r\\n]*)(${comma}|\\r?\\n|$)`, "y");
  while (field.lastIndex < text.length && rows.length <= MOST_ROWS + 1) {
    const found = field.exec(text);
    if (!found) return undefined;
    const value = found[1]!;
    rows.at(-1)!.push(value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value);
    if (found[2] !== comma && field.lastIndex < text.length) rows.push([]);
  }
  const [head, ...rest] = rows;
  return head && head.length > 0 && rest.length > 0 ? { head, rows: rest.slice(0, MOST_ROWS) } : undefined;
}

const PICTURES: Record<string, string> = { png: "image/png", svg: "image/svg+xml" };
const LARGEST = 8 << 20;

/** The type of a file that is shown as a picture; as a picture, an SVG runs nothing and fetches nothing. */
export function pictureType(path: string, data: Uint8Array): string | undefined {
  return data.length <= LARGEST ? PICTURES[path.toLowerCase().split(".").at(-1) ?? ""] : undefined;
}
