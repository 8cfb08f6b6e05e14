import type { Documents } from '../../ports/index.ts';

/** Returns all keys of the bucket with that prefix, over all pages. */
export async function keysUnder(prefix: string, documents: Pick<Documents, 'list'>): Promise<string[]> {
  const keys: string[] = [];
  for (;;) {
    const page = await documents.list(prefix, keys.at(-1));
    keys.push(...page.keys);
    if (!page.more || page.keys.length === 0) return keys;
  }
}
