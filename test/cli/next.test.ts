/** The commands at the end of a report, and whether they work as they are printed. */
import { describe, expect, it } from 'vitest';
import { main } from '../../cli/program.ts';
import { PROGRAM } from '../../cli/program-name.ts';
import { planAgain } from '../../cli/print/next.ts';
import { aCheck, aPlan, collectingIo } from './fixtures.ts';

const again = (...checks: Parameters<typeof aCheck>[0][]): string[] =>
  planAgain('plan', { plan: aPlan({ checks: checks.map(aCheck) }) }, ' --dry-run').map(({ command }) =>
    String(command),
  );

describe('a plan that is blocked', () => {
  it('is made again once the cause is removed', () => {
    expect(again({ id: 'trust', status: 'fail', remedy: 'Change it.' })).toEqual(['plan --dry-run']);
    expect(again({ id: 'aws-sdk-version', status: 'warn', remedy: 'Do: --accept-image a:1' })).toEqual([
      'plan --dry-run',
    ]);
  });

  it('accepts owners, which are suspended then', () => {
    expect(again({ id: 'owner-flux', status: 'fail' })).toEqual(['plan --accept-owner flux --dry-run']);
  });

  it('has a second command that accepts what may stay as it is', () => {
    const found = again(
      { id: 'owner-flux', status: 'fail' },
      { id: 'aws-sdk-version', status: 'fail', remedy: 'Upgrade it. Or: --accept-image a:1 --accept-image b@sha256:0' },
      { id: 'unknown-credentials', status: 'unknown', remedy: 'Or: --accept-unknown-credentials w/c' },
    );
    expect(found).toEqual([
      'plan --accept-owner flux --dry-run',
      'plan --accept-owner flux --accept-image a:1 --accept-image b@sha256:0 --accept-unknown-credentials w/c --dry-run',
    ]);
  });

  it.each([
    ['old-sdk-known-image', 'dns', 'external-dns'],
    ['unknown-credentials', 'reports', 'dashboard'],
  ])('in the scenario %s passes with the command that is printed', async (scenario, namespace, account) => {
    const argv = ['--cluster', 'reports-prod', '--namespace', namespace, '--service-account', account];
    const blocked = collectingIo();
    expect(await main(['plan', ...argv, '--sandbox', scenario], blocked)).toBe(3);
    const last = blocked.out().trimEnd().split('\n').at(-1)?.trim() ?? '';
    expect(last).toMatch(/ --accept-(?:image|unknown-credentials) \S+ --dry-run$/);
    const planned = collectingIo();
    expect(await main(last.replace(`${PROGRAM} `, '').split(' '), planned)).toBe(0);
    expect(planned.out()).toContain('To carry out the plan');
  });
});
