/** The promise about credentials at every moment of a run: that neither a migration nor its rollback takes any away. */
import type { CredentialGap } from './credentials.ts';
import { allMigrations, changes, effective, inputOf, migrationOf } from './observe.ts';
import { interfered, plannedOf, podsMayLag, type Promised } from './promised.ts';
import type { RunResult } from './run.ts';

const accountOf = ({ namespace, serviceAccount }: { namespace: string; serviceAccount: string }): string =>
  `${namespace}/${serviceAccount}`;

/**
 * Service accounts whose pods are promised less: an add-on that is deleted without preserve is away until it is created
 * again, nobody replaces pods that nobody may look at, and what is accepted by name may be lost.
 */
function promisedLess(result: RunResult): Set<string> {
  const deleted = new Set(
    effective(changes(result))
      .filter((call) => call.operation === 'DeleteAddon' && inputOf(call)['preserve'] !== true)
      .map((call) => migrationOf(result, call.execution)),
  );
  return new Set(
    allMigrations(result).flatMap(({ migrationId, request, record }) => {
      const planned = plannedOf(record);
      const accepted = [...new Set(planned.map(({ namespace }) => namespace))].flatMap((namespace) =>
        request.acceptIdentityLoss.map((serviceAccount) => ({ namespace, serviceAccount })),
      );
      return [...(deleted.has(migrationId) || podsMayLag(result, request) ? planned : []), ...accepted].map(accountOf);
    }),
  );
}

/**
 * What a new pod may be without, by knobs that play what nobody can help: the webhook, EKS Auth and IAM learn late. As
 * long as the webhook knows an association that is gone, one pod at a time may find that out, and no more. Where EKS
 * takes role and associations in one call alone, its own rollout goes ahead of all.
 */
function isLate({ sandbox }: RunResult, { to, why, atOnce }: CredentialGap): boolean {
  const { knobs } = sandbox.world;
  // It asks again, and is seen to when something happens next.
  const passes = (lag: number): boolean => lag > 0 && to !== undefined;
  if (why === 'NoIdentity') return knobs.webhookLagSeconds > 0;
  if (why === 'AccessDeniedException') return passes(knobs.trustLagSeconds);
  if (why !== 'ResourceNotFoundException') return false;
  const oneAhead = atOnce <= 1 || knobs.roleWithAssociations === 'refuse';
  return passes(knobs.eksAuthLagSeconds) || (passes(knobs.webhookRemovalLagSeconds) && oneAhead);
}

const text = ({ namespace, pod, serviceAccount, from, to, why, had }: CredentialGap): string =>
  `pod ${namespace}/${pod} of ${serviceAccount} ${had ? 'lost its credentials' : 'got none'} at ${new Date(from).toISOString()}${to === undefined ? ', for good' : ` for ${(to - from) / 1000} s`}: ${why}`;

export const credentialsAreKept: Promised = {
  name: 'credentials-are-kept',
  says: 'No pod loses the credentials that it has, and no new pod of a service account whose pods had some gets none, but for one at a time while the webhook still knows an association that is gone; and no pod lives on its last session once everything has ended.',
  broken: (result) => {
    if (interfered(result)) return [];
    const { credentials, migrations, repeated } = result;
    const less = promisedLess(result);
    const gaps = credentials.gaps.filter((gap) => !less.has(accountOf(gap)) && (gap.had || !isLate(result, gap)));
    const needsHuman = [...migrations, ...repeated].some(({ record }) => record?.outcome === 'needs-human');
    const last = needsHuman ? [] : credentials.livingOnSessions().filter((one) => !less.has(accountOf(one)));
    return [
      ...gaps.map(text),
      ...last.map(
        ({ pod, why }) => `pod ${pod} lives on its last session, and EKS Auth or STS gives it no other: ${why}`,
      ),
    ];
  },
};
