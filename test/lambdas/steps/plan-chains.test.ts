/** What the plan reads about roles that pods assume, and about trusts by pattern: only if a policy names them. */
import { describe, expect, it } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import type { Check } from '../../../lambdas/domain/terms/check.ts';
import type { Plan } from '../../../lambdas/domain/record/plan.ts';
import { irsa } from '../domain/trust/policies.ts';
import { newFakes, type Fakes } from '../fakes.ts';
import { ACCOUNT, NAMESPACE, podIdentityStatement, policyText, ROLE, STEP_ROLES } from '../fixtures.ts';
import { said } from '../matchers.ts';
import { planOf } from './planning.ts';

const roleNamed = (name: string, account = ACCOUNT): string => `arn:aws:iam::${account}:role/${name}`;
const ARCHIVE = roleNamed('archive');
const PATTERN = `system:serviceaccount:${NAMESPACE}:*`;
const checksOf = ({ checks }: Plan, id: string): Check[] => checks.filter((check) => check.id === id);
const allow = (...resources: string[]): object => ({ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: resources });

/** The planned role has a policy with these resources. */
function assuming(...resources: string[]): Fakes {
  const fakes = newFakes();
  fakes.settings.actingRoles = STEP_ROLES;
  fakes.roles.policies[ROLE] = [{ name: 'hop', document: policyText(allow(...resources)) }];
  return fakes;
}
const trusting = (...actions: string[]) => policyText({ Effect: 'Allow', Principal: { AWS: ROLE }, Action: actions });
const rolesRead = (fakes: Fakes): unknown[] => [...new Set(fakes.journal.of('roles.getRole').flat())];

describe('roles that the planned role assumes', () => {
  it('are read if a policy names them, and if they are in the account', async () => {
    const fakes = assuming(ARCHIVE, roleNamed('else', '444455556666'), roleNamed('pattern-*'), ROLE);
    fakes.roles.trust[ARCHIVE] = trusting('sts:AssumeRole');
    const plan = await planOf(fakes);
    expect([rolesRead(fakes), plan.verdict]).toEqual([[ROLE, ARCHIVE], 'blocked']);
    expect(checksOf(plan, 'target-roles')).toMatchObject([{ status: 'fail' }]);
    expect(checksOf(plan, 'self-assume')).toMatchObject([{ status: 'warn' }]);
    const [tags] = checksOf(plan, 'session-tags');
    expect(tags?.message).toContain(roleNamed('else', '444455556666'));
    expect(tags?.message).not.toContain(ARCHIVE);
  });

  it('are not read if no policy names one', async () => {
    const fakes = assuming('*');
    await planOf(fakes);
    expect(rolesRead(fakes)).toEqual([ROLE]);
  });

  it('are read up to ten, and the others are named', async () => {
    const many = Array.from({ length: 12 }, (_, index) => roleNamed(`target-${String(index).padStart(2, '0')}`));
    const fakes = assuming(...many);
    for (const arn of many) fakes.roles.trust[arn] = trusting('sts:AssumeRole', 'sts:TagSession');
    const plan = await planOf(fakes);
    expect(rolesRead(fakes)).toHaveLength(11);
    expect(checksOf(plan, 'target-roles')).toHaveLength(10);
    expect(plan.verdict).toBe('migrate');
    expect(checksOf(plan, 'session-tags')).toMatchObject([
      said('warn', `${many[10]} (more roles than the plan reads)`),
    ]);
  });

  it('do not stop the plan if they may not be read', async () => {
    const fakes = assuming(ARCHIVE);
    const getRole = fakes.roles.getRole.bind(fakes.roles);
    fakes.roles.getRole = (arn) =>
      arn === ARCHIVE
        ? Promise.reject(new MigrationError('AccessDenied', 'iam:GetRole archive: AccessDenied: you may not.'))
        : getRole(arn);
    const plan = await planOf(fakes);
    expect([plan.verdict, checksOf(plan, 'target-roles')]).toEqual(['migrate', []]);
    expect(checksOf(plan, 'session-tags')).toMatchObject([said('warn', 'archive (iam:GetRole archive: AccessDenied')]);
  });
});

describe('service accounts that a pattern matches', () => {
  const byPattern = (fakes: Fakes = newFakes()): Fakes => {
    fakes.settings.actingRoles = STEP_ROLES;
    fakes.roles.trust[ROLE] = policyText(irsa(PATTERN, {}, 'StringLike'), podIdentityStatement);
    fakes.kubernetes.plainServiceAccounts = [{ namespace: NAMESPACE, name: 'dns' }];
    return fakes;
  };

  it('are listed only if there is a pattern', async () => {
    const plain = newFakes();
    plain.settings.actingRoles = STEP_ROLES;
    expect(checksOf(await planOf(plain), 'pattern-trust')).toEqual([]);
    expect(plain.journal.names()).not.toContain('kubernetes.listServiceAccounts');
    const fakes = byPattern();
    expect(checksOf(await planOf(fakes), 'pattern-trust')).toMatchObject([said('warn', `1 without: ${NAMESPACE}/dns`)]);
    expect(fakes.journal.of('kubernetes.listServiceAccounts')).toHaveLength(1);
  });

  it('are not known if they may not be listed, which does not stop the plan', async () => {
    const fakes = byPattern();
    fakes.kubernetes.listServiceAccounts = () => Promise.reject(new MigrationError('AccessDenied', 'you may not'));
    const plan = await planOf(fakes);
    expect(plan.verdict).toBe('migrate');
    expect(checksOf(plan, 'pattern-trust')[0]?.message).toContain('could not be read: you may not.');
  });
});
