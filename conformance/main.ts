/** `npm run conformance [-- PART…]`: holds the project against real programs. Not part of `npm test`; see docs/conformance.md. */
import { duration } from '../cli/text/duration.ts';
import { BuildError } from './build/go.ts';
import { ROOT } from './build/program.ts';
import { ArgumentError, UsageRequest } from './flags.ts';
import { NOT_RUN, runInProcess } from './part-process.ts';
import { runPlantedPart } from './planted-part.ts';
import { writeDocuments } from './document.ts';
import { type Part, type PartModule, readOrder } from './parts.ts';

const ENDS: Record<number, string> = { 0: 'passed', 1: 'FAILED', [NOT_RUN]: 'FAILED: it could not be run' };

const runParts = async (parts: readonly Part[]): Promise<number> => {
  const lines: string[] = [];
  const failed: string[] = [];
  for (const [index, part] of parts.entries()) {
    console.log(`\n=== ${index + 1} of ${parts.length}: ${part.name}: ${part.against} (needs ${part.needs})`);
    const started = Date.now();
    const code = await runInProcess(ROOT, [part.name]);
    if (code !== 0) failed.push(part.name);
    lines.push(`${part.name}: ${ENDS[code] ?? `failed, with exit code ${code}`}, ${duration(Date.now() - started)}`);
    console.log(`--- ${lines.at(-1) ?? ''}`);
  }
  console.log(`\n${lines.join('\n')}`);
  console.log(
    failed.length === 0
      ? 'Every difference has a reason; the results are in docs/conformance.md.'
      : `${failed.length} of ${parts.length} parts failed. Run one of them again: npm run conformance -- ${failed[0] ?? ''}`,
  );
  return failed.length === 0 ? 0 : 1;
};

const runPart = async ({ name }: Part, args: readonly string[]): Promise<number> => {
  try {
    const { run } = (await import(`./${name}/main.ts`)) as PartModule;
    const code = await run(args);
    // What a whole run has kept.
    if (code === 0) await writeDocuments();
    return code;
  } catch (error) {
    if (error instanceof UsageRequest) {
      console.log(error.message);
      return 0;
    }
    if (error instanceof ArgumentError) {
      console.error(error.message);
      return 2;
    }
    // Only what is unexpected needs the place where it was thrown.
    console.error(error instanceof BuildError ? error.message : error);
    return NOT_RUN;
  }
};

const main = async (words: readonly string[]): Promise<number> => {
  const order = readOrder(words);
  switch (order.kind) {
    case 'refused':
      console.error(order.message);
      return 2;
    case 'document':
      return writeDocuments();
    case 'parts':
      return runParts(order.parts);
    case 'part':
      return order.plant === undefined
        ? runPart(order.part, order.args)
        : runPlantedPart(order.part.name, order.plant, order.args);
  }
};

process.exitCode = await main(process.argv.slice(2));
