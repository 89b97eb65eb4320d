import { expect, test } from "vitest";
import { fromAddress, parse } from "./entry";

const PAGE = "https://huddle.example/";
const LINK = "https://huddle.example/j#AbjVFLB3uS5Ik0eRLRhyrfNqTk42nBD3_-u7311ppeJlUcl-";

test("a link of this rendezvous, whatever a chat put into it", () => {
  expect(parse(` ${LINK}\n`, PAGE)).toEqual({ kind: "link", invitation: LINK });
  expect(parse(`${LINK.slice(0, 50)}\u200b\n${LINK.slice(50)}`, PAGE)).toEqual({ kind: "link", invitation: LINK });
});

test("the page's own link is an invitation, its start is none", () => {
  expect(fromAddress(LINK)).toBe(LINK);
  expect(fromAddress(PAGE)).toBeUndefined();
  expect(fromAddress(`${PAGE}#chat`)).toBeUndefined();
});

test("a rendezvous under a path has its page there", () => {
  const link = LINK.replace("/j#", "/mpc/j#");
  expect(parse(link, "https://huddle.example/mpc/").kind).toBe("link");
  expect(parse(link, "https://huddle.example/mpc/j").kind).toBe("link");
  expect(parse(link, PAGE).kind).toBe("elsewhere");
});

test("a link of another rendezvous is to be opened there", () => {
  const entry = parse(LINK.replace("huddle.example", "other.example:8443"), PAGE);
  expect(entry).toMatchObject({ kind: "elsewhere", at: "other.example:8443" });
});

test("a code begins with a number", () => {
  expect(parse("4821 apple river", PAGE)).toEqual({ kind: "code", invitation: "4821 apple river" });
});

test.each(["", "apple river", "https://huddle.example/j", "https://huddle.example/j#short", "javascript://huddle.example/j#AbjVFLB3uS5Ik0eRLRhy", "://"])(
  "%j is refused with a reason",
  (text) => {
    const entry = parse(text, PAGE);
    expect(entry.kind).toBe("wrong");
    expect(entry.kind === "wrong" && entry.why).not.toBe("");
  },
);
