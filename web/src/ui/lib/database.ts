/** The page's database in this browser (IndexedDB): past runs, and rooms that its person hosts. The identity has its own. */

const NAME = "huddle-page";
const VERSION = 2;
const STORES = { runs: { keyPath: "id", autoIncrement: true }, rooms: { keyPath: "id" } };

export function promised<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser's store failed"));
  });
}

/** Use one store of it; rejects where this browser keeps nothing. */
export async function withStore<T>(name: keyof typeof STORES, mode: IDBTransactionMode, use: (store: IDBObjectStore) => Promise<T>): Promise<T> {
  const opening = indexedDB.open(NAME, VERSION);
  opening.onupgradeneeded = () => {
    const there = opening.result.objectStoreNames;
    for (const [store, how] of Object.entries(STORES)) if (!there.contains(store)) opening.result.createObjectStore(store, how);
  };
  const db = await promised(opening);
  try {
    return await use(db.transaction(name, mode).objectStore(name));
  } finally {
    db.close();
  }
}
