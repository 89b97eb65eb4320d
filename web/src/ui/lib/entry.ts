/** How a person comes in: by the page's own address, a link that was pasted or scanned, or a code. */
import { t } from "../texts";

export type Entry =
  | { kind: "link"; invitation: string }
  | { kind: "code"; invitation: string }
  /** The link of a session that meets elsewhere: that place serves its own page. */
  | { kind: "elsewhere"; url: string; at: string }
  | { kind: "wrong"; why: string };

/** What chats and mail programs put into a link where they break it, besides white space. */
const INVISIBLE = /[\s\u00ad\u200b-\u200d\u2060\ufeff]/g;
/** Version, secret, host and check, as huddle/ceremony/invitation.py has them. */
const FRAGMENT_BYTES = 1 + 16 + 16 + 3;
const FRAGMENT_LENGTH = Math.ceil((FRAGMENT_BYTES * 4) / 3);
const CHECK = 3;
const CODE = /^\s*\d{1,9}([^\p{L}\p{N}]+\p{L}+){2}[^\p{L}\p{N}]*$/u;

/** `page`: where this page is, without what follows the `#`. */
export function parse(text: string, page: string): Entry {
  const typed = text.trim();
  if (typed === "") return wrong("entry.empty");
  if (!typed.includes("://")) {
    if (CODE.test(typed)) return { kind: "code", invitation: typed };
    return wrong(/^\d/.test(typed) ? "entry.code" : "entry.neither");
  }
  let url: URL;
  try {
    url = new URL(typed.replace(INVISIBLE, "").replace("%23", "#"));
  } catch {
    return wrong("entry.noLink");
  }
  if (!/^https?:$/.test(url.protocol) || !url.pathname.endsWith("/j")) return wrong("entry.noInvitation");
  if (url.hash.length < 2) return wrong("entry.noSecret");
  if (!/^[A-Za-z0-9_-]+$/.test(url.hash.slice(1)) || url.hash.length - 1 < FRAGMENT_LENGTH) return wrong("entry.cutOff");
  const here = new URL(page);
  if (rendezvousOf(url) !== rendezvousOf(here)) return { kind: "elsewhere", url: url.href, at: url.host };
  return { kind: "link", invitation: url.href };
}

function wrong(key: Parameters<typeof t>[0]): Entry {
  return { kind: "wrong", why: t(key) };
}

/** The rendezvous that a page or a link belongs to: `…/`, `…/j` of an invitation, or `…/` before a code. */
export function rendezvousOf({ origin, pathname }: Pick<URL, "origin" | "pathname">): string {
  return origin + pathname.replace(/\/(j|index\.html|\d+-[A-Za-z]+-[A-Za-z]+)?$/, "");
}

/** What is wrong with a link that looks right: it carries a check of itself, which finds a lost or changed letter. */
export async function linkProblem(invitation: string): Promise<string> {
  const url = new URL(invitation);
  const data = bytesOf(url.hash.slice(1));
  if (!data || data.length <= CHECK) return t("entry.cutOff");
  const said = data.slice(-CHECK);
  const hashed = await hashFields("huddle/1 link", new TextEncoder().encode(rendezvousOf(url)), data.slice(0, -CHECK));
  if (!said.every((byte, i) => byte === hashed[i])) return t("entry.cutOff");
  if (data[0] !== 1 && data[0] !== 2) return t("entry.newer"); // 2: to a front room, where guests are dealt to groups
  return data.length === FRAGMENT_BYTES ? "" : t("entry.cutOff");
}

/** As in huddle/identity/kdf.py: SHA-256 of the label and the fields, each with its length before it. */
export async function hashFields(label: string, ...fields: Uint8Array[]): Promise<Uint8Array> {
  const parts = [new TextEncoder().encode(label), ...fields].flatMap((field) => {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, field.length);
    return [...length, ...field];
  });
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(parts)));
}

function bytesOf(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** What the page's own address asks for. */
export interface Address {
  /** The link with which the page was opened, right or not: its person was invited. */
  invitation?: string;
  code?: string;
  /** A program of the gallery, and how many take part. */
  host?: { program: string; parties: number | undefined };
}

export function fromAddress(address: string): Address {
  const url = new URL(address);
  if (url.pathname.endsWith("/j")) return { invitation: address };
  const code = /\/(\d+-[A-Za-z]+-[A-Za-z]+)$/.exec(url.pathname)?.[1] ?? url.hash.slice(1);
  if (CODE.test(code)) return { code };
  const asked = new URLSearchParams(url.hash.slice(1));
  const program = asked.get("host");
  if (program === null) return {};
  const parties = Number(asked.get("parties"));
  return { host: { program, parties: Number.isInteger(parties) && parties >= 2 && parties <= 32 ? parties : undefined } };
}
