import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { HostRequest } from "../../core/protocol";
import { HostedRoom, forgetRoom, forgetRooms, leftRooms } from "./rooms";

/** The browser's locks, as much of them as is used. */
function locks() {
  const held = new Set<string>();
  return {
    query: async () => ({ held: [...held].map((name) => ({ name })) }),
    request: async (name: string, _options: object, use: (lock: object | null) => Promise<void> | undefined) => {
      if (held.has(name)) return use(null);
      held.add(name);
      await use({ name });
      held.delete(name);
    },
  };
}

beforeEach(() => vi.stubGlobal("navigator", { locks: locks() }));
afterEach(async () => {
  await forgetRooms();
  vi.unstubAllGlobals();
});

const request: HostRequest = {
  ...{ name: "Ann", parties: 3, privateArgs: ["--salary=4200"], inputs: { "mine.csv": new Uint8Array([1]) } },
  program: { entry: "p.py", files: { "p.py": new Uint8Array([2]) }, args: ["2"] },
};
const kept = (expires: number): string => JSON.stringify({ url: "https://huddle.example/j#x", expires });
const LATER = Date.now() / 1000 + 3600;

async function hosting(text = kept(LATER)): Promise<HostedRoom> {
  const room = new HostedRoom();
  room.begins(request);
  room.keep(text);
  await room.settled();
  return room;
}

test("what a page hosts is offered to nobody while it lives, and to the next one once it is gone", async () => {
  const room = await hosting();
  room.seats("ben", true);
  room.seats("cyd", true);
  room.seats("cyd", false);
  await room.settled();
  expect(room.isKept).toBe(true);
  expect(await leftRooms()).toEqual([]);
  room.close();
  const [left] = await leftRooms();
  expect(left).toMatchObject({ kept: kept(LATER), hosted: { name: "Ann", parties: 3, program: request.program } });
  expect(left!.hosted, "what is for this person alone").not.toHaveProperty("privateArgs");
  expect(left!.hosted).not.toHaveProperty("inputs");
  const back = new HostedRoom();
  expect(await back.take(left!)).toBe(true);
  expect([back.hadPlace("cyd"), back.hadPlace("ben"), back.hadPlace("ben")], "once").toEqual([false, true, false]);
  expect(await leftRooms()).toEqual([]);
  expect(await new HostedRoom().take(left!), "another page was quicker").toBe(false);
});

test("what was changed in the lobby is what is gone on with", async () => {
  const room = await hosting();
  room.changes({ ...request.program, entry: "q.py" }, 4);
  await room.settled();
  room.close();
  expect(await leftRooms()).toMatchObject([{ hosted: { parties: 4, program: { entry: "q.py" } } }]);
});

test("it goes with the start, and is there again where a room follows for those who are left", async () => {
  const room = await hosting();
  room.keep("");
  await room.settled();
  expect(room.isKept).toBe(false);
  room.keep(kept(LATER + 1));
  await room.settled();
  room.close();
  const left = await leftRooms();
  expect(left.map((one) => one.kept)).toEqual([kept(LATER + 1)]);
  await forgetRoom(left[0]!);
  expect(await leftRooms()).toEqual([]);
});

test("the latest comes first; what has expired or can't be read goes", async () => {
  for (const text of [kept(LATER), kept(LATER + 60), kept(1), "{"]) (await hosting(text)).close();
  expect((await leftRooms()).map((one) => one.kept)).toEqual([kept(LATER + 60), kept(LATER)]);
  expect((await leftRooms(Date.now() + 3_630_000)).map((one) => one.kept)).toEqual([kept(LATER + 60)]);
  expect(await leftRooms(), "what had expired then is gone").toHaveLength(1);
});

test("where a browser has no locks or forbids storage, nobody comes back, and nothing fails", async () => {
  vi.stubGlobal("navigator", {});
  (await hosting()).close();
  expect(await leftRooms()).toEqual([]);
});
