import { describe, expect, it } from 'vitest';
import type { Plan } from '../../../../lambdas/domain/record/plan.ts';
import { assertPlanIsAllowed } from '../../../../lambdas/use-cases/migration/plan-allowed.ts';
import { plannedAccount, REF } from '../../account-fixtures.ts';
import { aPlan, OTHER_ROLE, ROLE } from '../../fixtures.ts';

describe('what a deployment allows of a plan', () => {
  const allowed =
    (plan: Plan, annotation: 'keep' | 'remove', passable: string[], repairable: string[] = []) =>
    () =>
      assertPlanIsAllowed(plan, { annotation }, { passableRoleArns: passable, repairableRoleArns: repairable });
  const ofAccount = aPlan({
    addon: undefined,
    serviceAccount: { ...REF, uid: 'u', roleArn: OTHER_ROLE, annotatedBy: [] },
    associations: [{ ...plannedAccount, roleArn: ROLE }],
  });

  it('is each role that it assigns, and the role that a rollback assigns again', () => {
    expect(allowed(aPlan(), 'keep', [ROLE])).not.toThrow();
    expect(allowed(aPlan(), 'keep', [OTHER_ROLE])).toThrow(ROLE);
  });
  it('is the role of an annotation where that is taken off alone', () => {
    expect(allowed(ofAccount, 'keep', [ROLE])).not.toThrow();
    expect(allowed(ofAccount, 'remove', [ROLE])).toThrow(OTHER_ROLE);
  });
  it('is each trust policy that it repairs', () => {
    const repairing = aPlan({ trustRepairs: [{ roleArn: ROLE, before: '{}', after: '{}', statement: {} }] });
    expect(allowed(repairing, 'keep', [ROLE], [ROLE])).not.toThrow();
    expect(allowed(repairing, 'keep', [ROLE], [OTHER_ROLE])).toThrow(ROLE);
  });
});
