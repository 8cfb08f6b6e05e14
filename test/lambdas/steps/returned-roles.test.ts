/** A requested rollback gives back the associations that the migration deleted only on a ground that holds now. */
import { describe, expect, it } from 'vitest';
import { recordedSnapshot } from '../../../lambdas/use-cases/record/recorded.ts';
import { rollbackClosed } from '../../../lambdas/use-cases/rollback/recovery.ts';
import {
  anAssociation,
  at,
  bothWays,
  NAMESPACE,
  OTHER_ROLE,
  podIdentityStatement,
  policyText,
  MIGRATION_ID,
  SERVICE_ACCOUNT,
} from '../fixtures.ts';
import type { Begun } from './begun.ts';
import { DAY, migrated } from './retiring.ts';

const OPEN = /^open$/;
const TRUST = policyText(podIdentityStatement);
const DELETED = anAssociation({ id: 'a-before', roleArn: OTHER_ROLE });

/** Migrated ten days ago; it had an association with another role, which the migration has deleted. */
async function replaced(endedAt = at(-10 * DAY)): Promise<Begun> {
  const fakes = await migrated({ endedAt }, { associations: [DELETED], trustPolicies: { [OTHER_ROLE]: TRUST } });
  fakes.roles.trust[OTHER_ROLE] = TRUST;
  await fakes.ledger.recordAssociation(MIGRATION_ID, 'purged', DELETED);
  return fakes;
}
const closed = async (fakes: Begun): Promise<string | undefined> =>
  rollbackClosed(await fakes.record(), await recordedSnapshot(fakes.ledger, MIGRATION_ID), fakes.dependencies);
const granted = ({ settings }: Begun): unknown =>
  (settings.roleGrants = [
    { roles: [OTHER_ROLE], clusters: ['cluster/*'], serviceAccounts: [`${NAMESPACE}/${SERVICE_ACCOUNT}`] },
  ]);

describe('a requested rollback that gives a role back', () => {
  it.each<[string, (fakes: Begun) => unknown, RegExp, string?]>([
    ['is open while the association is recent and the trust unchanged', () => undefined, OPEN],
    [
      'is refused once the trust has changed',
      ({ roles }) => (roles.trust[OTHER_ROLE] = bothWays),
      /its trust policy has changed since/,
    ],
    ['is refused once the role is gone', ({ roles }) => delete roles.trust[OTHER_ROLE], /no longer exists/],
    ['is refused after the default of 30 days', () => undefined, /more than 30 days ago/, at(-31 * DAY)],
    [
      'is refused after the days of the deployment',
      ({ settings }) => (settings.rollbackClaimDays = 9),
      /more than 9 days ago \(the setting rollbackClaimDays\)/,
    ],
    ['is open where roleGrants names the pair', granted, OPEN, at(-400 * DAY)],
  ])('%s', async (_, change, expected, endedAt) => {
    const fakes = await replaced(endedAt);
    await change(fakes);
    expect((await closed(fakes)) ?? 'open').toMatch(expected);
  });

  it('says what to do', async () =>
    expect(await closed(await replaced(at(-31 * DAY)))).toBe(
      `nothing shows any longer that ${NAMESPACE}/${SERVICE_ACCOUNT} may have role ${OTHER_ROLE}, which it had by association a-before: the migration ended more than 30 days ago (the setting rollbackClaimDays). If the role's owner agrees, add it to the setting roleGrants, deploy and roll back again; or create the association by hand`,
    ));
});
