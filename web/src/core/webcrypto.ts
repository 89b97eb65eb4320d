/**
 * The primitives of `huddle.identity.crypto`, as promises: Python (huddle/browser/crypto.py) waits for them.
 * Private keys are not extractable.
 */

type Bytes = Uint8Array<ArrayBuffer>;

export interface Pair {
  pair: CryptoKeyPair;
  public: Bytes;
}

const subtle = crypto.subtle;

async function made(pair: CryptoKeyPair): Promise<Pair> {
  return { pair, public: new Uint8Array(await subtle.exportKey("raw", pair.publicKey)) };
}

export async function signingKey(): Promise<Pair> {
  return made((await subtle.generateKey("Ed25519", false, ["sign", "verify"])) as CryptoKeyPair);
}

export async function sign(pair: Pair, data: Bytes): Promise<Bytes> {
  return new Uint8Array(await subtle.sign("Ed25519", pair.pair.privateKey, data));
}

export async function verify(key: Bytes, signature: Bytes, data: Bytes): Promise<boolean> {
  try {
    return await subtle.verify("Ed25519", await subtle.importKey("raw", key, "Ed25519", false, ["verify"]), signature, data);
  } catch {
    return false; // no key, or no signature
  }
}

export async function exchangeKey(): Promise<Pair> {
  return made((await subtle.generateKey("X25519", false, ["deriveBits"])) as CryptoKeyPair);
}

/** Undefined where the peer's key is none, or of small order, so that anybody would know the secret. */
export async function exchange(pair: Pair, peer: Bytes): Promise<Bytes | undefined> {
  try {
    const key = await subtle.importKey("raw", peer, "X25519", false, []);
    const secret = await subtle.deriveBits({ name: "X25519", public: key }, pair.pair.privateKey, 256);
    const bytes = new Uint8Array(secret);
    return bytes.some((byte) => byte !== 0) ? bytes : undefined;
  } catch {
    return undefined;
  }
}

export function sealingKey(key: Bytes): Promise<CryptoKey> {
  return subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
}

export async function seal(key: CryptoKey, nonce: Bytes, data: Bytes, associated: Bytes): Promise<Bytes> {
  return new Uint8Array(await subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: associated }, key, data));
}

/** Undefined where it was not sealed so. */
export async function open(key: CryptoKey, nonce: Bytes, sealed: Bytes, associated: Bytes): Promise<Bytes | undefined> {
  try {
    return new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv: nonce, additionalData: associated }, key, sealed));
  } catch {
    return undefined;
  }
}

/** A key from secret bytes, as the vectors of the protocol need it; PKCS #8 of RFC 8410. */
export async function fromSeed(algorithm: "Ed25519" | "X25519", seed: Bytes): Promise<Pair> {
  const oid = algorithm === "Ed25519" ? 0x70 : 0x6e;
  const head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, oid, 4, 0x22, 4, 0x20];
  const uses: KeyUsage[] = algorithm === "Ed25519" ? ["sign"] : ["deriveBits"];
  const key = await subtle.importKey("pkcs8", new Uint8Array([...head, ...seed]), algorithm, true, uses);
  const { x } = await subtle.exportKey("jwk", key);
  const raw = atob((x ?? "").replaceAll("-", "+").replaceAll("_", "/"));
  const publicBytes = Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
  const publicUses: KeyUsage[] = algorithm === "Ed25519" ? ["verify"] : [];
  const publicKey = await subtle.importKey("raw", publicBytes, algorithm, true, publicUses);
  return { pair: { privateKey: key, publicKey }, public: publicBytes };
}

/** The public half of a pair that was kept. */
export async function kept(pair: CryptoKeyPair): Promise<Pair> {
  return made(pair);
}
