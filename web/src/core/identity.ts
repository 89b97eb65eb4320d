/**
 * The identity of whoever uses this browser: an Ed25519 key that no script can read out, kept in IndexedDB.
 */
import { kept, signingKey, type Pair } from "./webcrypto";

const STORE = "identity";

function database(): Promise<IDBDatabase> {
  return settled(indexedDB.open("huddle", 1), (request) => request.result.createObjectStore(STORE));
}

function settled<T>(request: IDBOpenDBRequest, upgrade: (request: IDBOpenDBRequest) => void): Promise<IDBDatabase>;
function settled<T>(request: IDBRequest<T>): Promise<T>;
function settled<T>(request: IDBRequest<T>, upgrade?: (request: IDBOpenDBRequest) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    if (upgrade) {
      const opening = request as unknown as IDBOpenDBRequest;
      opening.onupgradeneeded = () => upgrade(opening);
    }
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB failed"));
  });
}

/** The kept identity; a new one, which is kept from now on, where there is none. */
export async function identity(): Promise<Pair> {
  const db = await database();
  try {
    const found = await settled<CryptoKeyPair | undefined>(db.transaction(STORE).objectStore(STORE).get("key"));
    if (found) return await kept(found);
    const fresh = await signingKey();
    const store = db.transaction(STORE, "readwrite").objectStore(STORE);
    // Another tab may have been quicker: its key is the one that both use.
    const other = await settled<CryptoKeyPair | undefined>(store.get("key"));
    if (other) return await kept(other);
    await settled(store.put(fresh.pair, "key"));
    return fresh;
  } finally {
    db.close();
  }
}
