/**
 * `node test/fuzz/policies.ts --documents N [--seed S]`: evaluates random trust policies; fails if an evaluation
 * crashes, takes too many steps or returns no verdict.
 */
import { parseArgs } from 'node:util';
import { fuzz, lastLine } from './fuzz.ts';

const USAGE = 'Usage: node test/fuzz/policies.ts --documents 100000 [--seed 1]';

const fail = (message: string): never => {
  process.stderr.write(`error: ${message}\n${USAGE}\n`);
  process.exit(2);
};

const wholeNumber = (text: string, flag: string): number =>
  /^\d{1,9}$/.test(text) ? Number(text) : fail(`${flag} must be a whole number, not ${JSON.stringify(text)}`);

const read = () => {
  try {
    return parseArgs({ options: { documents: { type: 'string' }, seed: { type: 'string' } } }).values;
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
};

const flags = read();
const tally = fuzz(
  wholeNumber(flags.documents ?? fail('the number of documents is missing'), '--documents'),
  wholeNumber(flags.seed ?? '1', '--seed'),
);
for (const { document, problem, source } of tally.failures.slice(0, 20)) {
  process.stdout.write(
    `document ${document}: ${problem}\n  ${(JSON.stringify(source) ?? 'undefined').slice(0, 2000)}\n`,
  );
}
process.stdout.write(`${lastLine(tally)}\n`);
process.exitCode = tally.failures.length === 0 ? 0 : 1;
