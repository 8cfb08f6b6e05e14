/**
 * `npm run simulate -- --exhaustive | --seeds N [--from SEED] | --mutants | --replay SPEC`, or several of them with the
 * word `and` between; see docs/simulation.md.
 */
import { availableParallelism } from 'node:os';
import { ensureAssembly } from '../../cli/assembly.ts';
import { readFlags, USAGE } from './flags.ts';
import { InTurn } from './output.ts';
import { readCommand, runParts } from './parts.ts';
import { Workers } from './workers.ts';

/** Returns the result; ends the process with the usage if the arguments are invalid. */
const orUsage = <T>(run: () => T): T => {
  try {
    return run();
  } catch (error) {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
    process.exit(2);
  }
};

const build = () =>
  ensureAssembly(() => process.stderr.write('Building the application once; this takes a few seconds.\n'));

async function simulateParts(args: readonly string[]): Promise<boolean> {
  const { parts, workers: count = availableParallelism() } = orUsage(() => readCommand(args));
  const application = await build();
  const workers = new Workers(count);
  const inTurn = new InTurn(parts.length, {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
  });
  try {
    const passed = await Promise.race([runParts(parts, application, workers.do, inTurn), workers.failed]);
    const failures = passed.filter((isPassed) => !isPassed).length;
    if (parts.length > 1) process.stdout.write(`\n${parts.length - failures} passed, ${failures} failed\n`);
    return failures === 0;
  } catch (error) {
    inTurn.flush();
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  } finally {
    workers.end();
  }
}

const args = process.argv.slice(2);
if (args.includes('--replay')) {
  const { replay: spec = '', calls = false } = orUsage(() => readFlags(args));
  const { directory } = await build();
  const { replay } = await import('./replay.ts');
  process.exitCode = (await replay(spec, directory, { calls })) ? 0 : 1;
} else {
  process.exitCode = (await simulateParts(args)) ? 0 : 1;
}
