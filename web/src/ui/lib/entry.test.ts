import { expect, test } from "vitest";
import { fromAddress, linkProblem, parse, rendezvousOf } from "./entry";

const PAGE = "https://huddle.example/";
/** Made by huddle.ceremony.invitation, of the secret 0, 1, … 15 and the host 16, … 31. */
const LINK = "https://huddle.example/j#AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fVPaS";
const MORE = ["https://huddle.example/mpc/j#AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fzk2i", "http://127.0.0.1:8080/j#AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fYAdx"];

test("a link of this rendezvous, whatever a chat put into it", () => {
  expect(parse(` ${LINK}\n`, PAGE)).toEqual({ kind: "link", invitation: LINK });
  expect(parse(`${LINK.slice(0, 50)}\u200b\n${LINK.slice(50)}`, PAGE)).toEqual({ kind: "link", invitation: LINK });
  expect(parse(LINK.replace("#", "%23"), PAGE)).toEqual({ kind: "link", invitation: LINK });
});

test.each([LINK, ...MORE])("%s carries the check that Python made", async (link) => {
  expect(await linkProblem(link)).toBe("");
});

test("a link that lost or changed one letter is found before anything is loaded", async () => {
  for (let at = LINK.indexOf("#") + 1; at < LINK.length; at++) {
    const changed = LINK.slice(0, at) + (LINK[at] === "A" ? "B" : "A") + LINK.slice(at + 1);
    expect(await linkProblem(changed), changed).not.toBe("");
    expect(parse(LINK.slice(0, at), PAGE).kind, LINK.slice(0, at)).toBe("wrong");
  }
  expect(await linkProblem(LINK.replace("huddle.example", "hudle.example"))).not.toBe("");
});

test("the page's own address: an invitation, right or not, a code, a program to host, or nothing", () => {
  expect(fromAddress(LINK)).toEqual({ invitation: LINK });
  expect(fromAddress(`${PAGE}j#cut`)).toEqual({ invitation: `${PAGE}j#cut` });
  expect(fromAddress(`${PAGE}4821-apple-river`)).toEqual({ code: "4821-apple-river" });
  expect(fromAddress(`${PAGE}#4821-apple-river`)).toEqual({ code: "4821-apple-river" });
  expect(fromAddress(`${PAGE}#host=average_salary&parties=3`)).toEqual({ host: { program: "average_salary", parties: 3 } });
  expect(fromAddress(`${PAGE}#host=auction&parties=0`)).toEqual({ host: { program: "auction", parties: undefined } });
  expect(fromAddress(PAGE)).toEqual({});
  expect(fromAddress(`${PAGE}#chat`)).toEqual({});
});

test("a rendezvous under a path has its page there", () => {
  const link = MORE[0]!;
  expect(parse(link, "https://huddle.example/mpc/").kind).toBe("link");
  expect(parse(link, "https://huddle.example/mpc/j").kind).toBe("link");
  expect(parse(link, "https://huddle.example/mpc/4821-apple-river").kind).toBe("link");
  expect(parse(link, PAGE).kind).toBe("elsewhere");
  expect(rendezvousOf(new URL("https://huddle.example/mpc/4821-apple-river"))).toBe("https://huddle.example/mpc");
});

test("a link of another rendezvous is to be opened there", () => {
  const entry = parse(LINK.replace("huddle.example", "other.example:8443"), PAGE);
  expect(entry).toMatchObject({ kind: "elsewhere", at: "other.example:8443" });
});

test.each(["4821 apple river", "4821-apple-river", " 4821 Apple, River. "])("%j is a code", (code) => {
  expect(parse(code, PAGE)).toMatchObject({ kind: "code", invitation: code.trim() });
});

test.each(["", "apple river", "4821-apple", "4821", "https://huddle.example/j", "https://huddle.example/j#short", "javascript://huddle.example/j#AbjVFLB3uS5Ik0eRLRhy", "://"])(
  "%j is refused with a reason",
  (text) => {
    const entry = parse(text, PAGE);
    expect(entry.kind).toBe("wrong");
    expect(entry.kind === "wrong" && entry.why).not.toBe("");
  },
);
