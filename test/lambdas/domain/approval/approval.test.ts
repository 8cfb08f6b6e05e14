import { describe, expect, it } from 'vitest';
import { barredByRole } from '../../../../lambdas/domain/approval/approval.ts';

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
