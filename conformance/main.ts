/** `npm run conformance -- PART…`: holds the sandbox against real programs. Not part of `npm test`; see docs/conformance.md. */

const PARTS: Record<string, () => Promise<(args: string[]) => Promise<number>>> = {
  kubernetes: async () => (await import('./kubernetes/main.ts')).run,
  document: async () => (await import('./document.ts')).run,
};

const [part = '', ...args] = process.argv.slice(2);
const load = PARTS[part];
if (!load) {
  console.error(
    `${part === '' ? 'No part was named' : `There is no part "${part}"`}. Parts: ${Object.keys(PARTS).join(', ')}.\nRun: npm run conformance -- ${Object.keys(PARTS)[0] ?? 'PART'}`,
  );
  process.exitCode = 2;
} else process.exitCode = await (await load())(args);
