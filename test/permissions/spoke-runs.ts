/**
 * The same runs with the service in an account of its own: their clusters are another one's, where it works by the
 * roles that it assumes.
 */
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import type { Run } from './follow.ts';
import { RUNS } from './runs.ts';
import { BY_THE_CLOCK, SWEEPS } from './sweep-runs.ts';
import { WAYS } from './strategies.ts';

/** Where the service is: in another account, and another region. */
export const HUB = { account: '999988887777', region: 'eu-central-1' };

/** The service, in an account that has nothing else but the roles of its people. */
export const fromAfar = (scenario: Scenario): void => {
  const roles = scenario.accounts.flatMap((account) =>
    account.roles
      .filter(({ arn }) => arn.includes(':role/aws-reserved/'))
      .map((role) => ({ ...role, arn: role.arn.replace(account.id, HUB.account) })),
  );
  scenario.accounts.push({ id: HUB.account, roles, clusters: [], disabledRegions: [] });
  scenario.home = HUB;
};

/**
 * All runs, except those in which another principal acts with the permissions of the service's own account, and the
 * scheduled sweep, which covers only that account.
 */
export const SPOKE_RUNS: Run[] = [...RUNS, ...WAYS, ...SWEEPS]
  .filter((run) => run.meanwhile === undefined && run !== BY_THE_CLOCK)
  .map((run) => ({
    ...run,
    change: (scenario) => {
      run.change?.(scenario);
      fromAfar(scenario);
    },
  }));

/** Few of them that together rest on every right of the roles in other accounts. */
const FEW = new Set([
  'in place, rolled back on demand',
  'recreated with its own association, rolled back on demand',
  'a service account whose annotation goes, the reply to its association lost, rolled back on demand',
  'trust repaired, retired, reinstated, rolled back',
  'a sweep looks at roles with managed policies and policies of their own',
  'identities by the API',
  'neither goes on nor back: needs a person',
  'the Pod Identity agent installed first',
  'CloudTrail tells of a denied UpdateAddon',
  'rolled back on demand, and the webhook never forgets the association',
  'left-over association, in an execution that the previous release has begun',
  ...WAYS.map(({ name }) => name),
]);
export const FEW_SPOKE_RUNS: Run[] = SPOKE_RUNS.filter(({ name }) => FEW.has(name));
