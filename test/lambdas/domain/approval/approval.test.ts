import { describe, expect, it } from 'vitest';
import { type Approval, barredByRole, notApproved } from '../../../../lambdas/domain/approval/approval.ts';
import { at } from '../../run-examples.ts';
import { matching } from '../../matchers.ts';

describe('two sessions of one role', () => {
  const role = { partition: 'aws', account: '111122223333', name: 'Admin_0123' };
  it('are two people if IAM Identity Center created the role', () =>
    expect(barredByRole(role, 'identity-center')).toBeUndefined());
  it('may be one person if something else created the role, or if it cannot be read', () => {
    const other = barredByRole(role, 'other');
    expect(other).toMatch(/role/);
    expect(other).not.toContain(role.name);
    expect(barredByRole(role, 'unreadable')).toBe(
      `${other}. Role ${role.name} cannot be read, so that it is not known whether IAM Identity Center created it, whose sessions would be different people. Approve it as another role`,
    );
  });
});

describe('an approval', () => {
  const dates = { requestedAt: at(0), expiresAt: at(60), decidedAt: at(59) };
  const given: Approval = { round: 1, planHash: 'plan', state: 'approved', decidedBy: 'bob', ...dates };
  it('of the plan in time has an approver', () => expect(notApproved(given, 'plan')).toEqual({ approver: 'bob' }));
  it.each<[string, Partial<Approval>, RegExp]>([
    ['is withdrawn', { state: 'withdrawn' }, /in the ledger is withdrawn/],
    ['is expired', { state: 'expired' }, /in the ledger is expired/],
    ['is rejected', { state: 'rejected' }, /in the ledger is rejected/],
    ['is for another plan', { planHash: 'other' }, /in the ledger is for another plan/],
    ['was given late', { decidedAt: at(60) }, /approved at .*, and the approval expired at/],
  ])('is none if it %s', (_, change, why) =>
    expect(notApproved({ ...given, ...change }, 'plan')).toEqual({ why: matching(why) }),
  );
});
