/** How a person comes in: the invitation in the page's own link, a link that was pasted or scanned, or a code. */

export type Entry =
  | { kind: "link"; invitation: string }
  | { kind: "code"; invitation: string }
  /** The link of a session that meets elsewhere: that place serves its own page. */
  | { kind: "elsewhere"; url: string; at: string }
  | { kind: "wrong"; why: string };

/** What chats and mail programs put into a link where they break it, besides white space. */
const INVISIBLE = /[\s\u00ad\u200b-\u200d\u2060\ufeff]/g;
const FRAGMENT = /^[A-Za-z0-9_-]{16,}$/;

/** `page`: where this page is, without what follows the `#`. */
export function parse(text: string, page: string): Entry {
  const typed = text.trim();
  if (typed === "") return { kind: "wrong", why: "Paste the link, or type the code." };
  if (!typed.includes("://")) {
    if (/^\d/.test(typed)) return { kind: "code", invitation: typed };
    return { kind: "wrong", why: "That is neither a link nor a code. A code is a number and two words, like 4821-apple-river." };
  }
  let url: URL;
  try {
    url = new URL(typed.replace(INVISIBLE, ""));
  } catch {
    return { kind: "wrong", why: "That is not a link. Copy the whole of it." };
  }
  if (!/^https?:$/.test(url.protocol) || !url.pathname.endsWith("/j") || !FRAGMENT.test(url.hash.slice(1))) {
    return { kind: "wrong", why: "That is not an invitation. Its link has /j# in it; copy the whole of it." };
  }
  const here = new URL(page);
  const place = (of: URL) => of.origin + of.pathname.replace(/\/(j|index\.html)?$/, "");
  if (place(url) !== place(here)) return { kind: "elsewhere", url: url.href, at: url.host };
  return { kind: "link", invitation: url.href };
}

/** The invitation in the page's own address, if there is one. */
export function fromAddress(address: string): string | undefined {
  const entry = parse(address, address);
  return entry.kind === "link" ? entry.invitation : undefined;
}
