import { ensureAssembly } from '../cli/assembly.ts';

/** Bundles and synthesises once, before the tests that run the definition and the bundles. */
export default async function setUp(): Promise<void> {
  await ensureAssembly();
}
