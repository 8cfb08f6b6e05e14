/** The runs that together rest on every right of the service's own account, and its rights. */
import { type Assembly, loadAssembly } from '../../sandbox/assembly/assembly.ts';
import { deployWithSchedule } from './deployment.ts';
import { follows, type Ran, type Run } from './follow.ts';
import { type Grant, grantsOf, nameOf } from './grants.ts';
import { RUNS as MIGRATIONS } from './runs.ts';
import { SWEEPS } from './sweep-runs.ts';
import { WAYS } from './strategies.ts';

export const directory = await deployWithSchedule();
export const assembly: Assembly = loadAssembly(directory, { account: '111122223333', region: 'eu-west-1' });
export const RUNS: readonly Run[] = [...MIGRATIONS, ...WAYS, ...SWEEPS];
// To become a role of another account: spokes.test.ts.
export const all = grantsOf(assembly).filter(({ action }) => action !== 'sts:AssumeRole');
/** What Scheduler does with what it could not start, which is in no run that goes well. */
export const isOfUndelivered = (grant: Grant): boolean => nameOf(grant) === 'EventBridge Scheduler sqs:SendMessage';
export const grants = all.filter((grant) => !isOfUndelivered(grant));

/** What came of each, once they were followed. */
export const ran = new Map<Run, Ran>();
/** Follows each run to its end. */
export const followAll = async (): Promise<void> => {
  for (const run of RUNS) ran.set(run, await follows(run, directory));
};
