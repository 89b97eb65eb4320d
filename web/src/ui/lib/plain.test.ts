import jsQR from "jsqr";
import { encode } from "uqr";
import { expect, test } from "vitest";
import { LARGEST, fitsCode } from "./plain";

/** What a camera sees of `QrCode.svelte`'s code. */
function seen(text: string): string | undefined {
  const code = encode(text, { ecc: "M", border: 4 });
  const cell = 4;
  const size = code.size * cell;
  const pixels = new Uint8ClampedArray(size * size * 4).fill(255);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      if (code.data[Math.floor(y / cell)]?.[Math.floor(x / cell)]) pixels.fill(0, (y * size + x) * 4, (y * size + x) * 4 + 3);
  return jsQR(pixels, size, size)?.data;
}

const PEER = `
[Peer]
# party 0
PublicKey = ${"A".repeat(43)}=
PresharedKey = ${"B".repeat(43)}=
AllowedIPs = fd1f:be57:1a4c:4a1e:3f36:6a36:b1d3:e9ac/128
Endpoint = 198.51.100.17:51820
PersistentKeepalive = 25
`;

test("a configuration is read from its code as it was", () => {
  const config = `[Interface]\nPrivateKey = ${"C".repeat(43)}=\nMTU = 1280\n${PEER.repeat(3)}`;
  expect(fitsCode(config)).toBe(true);
  expect(seen(config)).toBe(config);
});

test("what is too long for a code is known before", () => {
  expect(() => encode("é".repeat(LARGEST), { ecc: "M" })).toThrow();
  expect(fitsCode("é".repeat(LARGEST))).toBe(false);
  expect(encode("é".repeat((LARGEST - 1) / 2), { ecc: "M" }).version).toBe(40);
});
