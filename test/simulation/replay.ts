import { z } from 'zod';
import { brokenPromises } from './promises.ts';
import { simulate } from './run.ts';
import type { RunSpec } from './spec.ts';
import { failureText, outcomeOf } from './tally.ts';

const minimalSpec = z.looseObject({
  scenario: z.string(),
  seed: z.number(),
  faults: z.array(z.looseObject({ kind: z.string() })),
});

/** Runs one spec again and prints everything that happened. Returns false if a promise was broken. */
export const replay = async (text: string, assembly: string, { calls }: { calls: boolean }): Promise<boolean> => {
  const spec = minimalSpec.parse(JSON.parse(text)) as unknown as RunSpec;
  const result = await simulate(spec, assembly);
  if (calls) process.stdout.write(result.sandbox.world.log.toJsonLines());
  for (const { migrationId, record } of [...result.migrations, ...result.repeated]) {
    process.stdout.write(
      `${migrationId} ${record?.outcome ?? record?.status ?? 'no record'} ${record?.failure ? `${record.failure.name}: ${record.failure.message}` : ''}\n`,
    );
    for (const line of await result.ledger.listSteps(migrationId))
      process.stdout.write(
        `  ${line.startedAt} ${line.name} ×${line.tries} ${line.error ? `${line.error.name}: ${line.error.message}` : (line.result ?? '')}\n`,
      );
  }
  if (result.actor) process.stdout.write(`third party: ${JSON.stringify(result.actor)}\n`);
  const broken = await brokenPromises(result);
  process.stdout.write(broken.length > 0 ? failureText(result, broken) : `${outcomeOf(result)}; no promise broken\n`);
  return broken.length === 0;
};
