/** The runs that together rest on every right of the service's own account, and its rights. */
import { beforeAll, expect, it } from 'vitest';
import { type Assembly, loadAssembly } from '../../sandbox/assembly/assembly.ts';
import { deployWithSchedule } from './deployment.ts';
import { follows, type Ran, type Run } from './follow.ts';
import { type Grant, grantsOf, nameOf } from './grants.ts';
import { FEW_RUNS as FEW_MIGRATIONS, RUNS as MIGRATIONS } from './runs.ts';
import { SWEEPS } from './sweep-runs.ts';
import { WAYS } from './strategies.ts';

export const directory = await deployWithSchedule();
export const assembly: Assembly = loadAssembly(directory, { account: '111122223333', region: 'eu-west-1' });
export const RUNS: readonly Run[] = [...MIGRATIONS, ...WAYS, ...SWEEPS];
export const FEW_RUNS: readonly Run[] = [...FEW_MIGRATIONS, ...WAYS, ...SWEEPS];
// To become a role of another account: spokes.test.ts.
export const all = grantsOf(assembly).filter(({ action }) => action !== 'sts:AssumeRole');
/** What Scheduler does with what it could not start, which is in no run that goes well. */
export const isOfUndelivered = (grant: Grant): boolean => nameOf(grant) === 'EventBridge Scheduler sqs:SendMessage';
export const grants = all.filter((grant) => !isOfUndelivered(grant));

/** What came of each, once they were followed. */
export const ran = new Map<Run, Ran>();
/** Follows each of them to its end, and expects that its rights are enough. */
export const followAll = (runs: readonly Run[]): void => {
  beforeAll(async () => {
    for (const run of runs) ran.set(run, await follows(run, directory));
  });
  it.each(runs)('the rights of the deployed roles are enough: $name', (run) =>
    expect(ran.get(run)).toMatchObject({ denied: [], refusals: [], failures: [], ends: run.ends }),
  );
};
