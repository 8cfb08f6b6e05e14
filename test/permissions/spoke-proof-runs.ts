/** The runs that together rest on every right of the roles in other accounts, and these rights. */
import { deployWithSchedule } from './deployment.ts';
import { follows, type Ran, type Run, scenarioOf, withSpokes } from './follow.ts';
import { grantsOf } from './grants.ts';
import { HUB, SPOKE_RUNS } from './spoke-runs.ts';

export const directory = await deployWithSchedule();
export const deployed = withSpokes(directory, scenarioOf(SPOKE_RUNS[0]!));
export const isOfSpoke = (arn: string): boolean => arn.split(':')[4] !== HUB.account;
/** What forwards events is the same in each region, and the clusters of these scenarios are in one. */
const isElsewhere = (arn: string): boolean => arn.endsWith(`-forward-${HUB.region}`);
export const grants = grantsOf(deployed).filter(
  ({ principalArn, action }) => (isOfSpoke(principalArn) && !isElsewhere(principalArn)) || action === 'sts:AssumeRole',
);
export const ran = new Map<Run, Ran>();
/** Follows each of those runs to its end. */
export const followAll = async (runs: readonly Run[]): Promise<void> => {
  for (const run of runs) ran.set(run, await follows(run, directory));
};
