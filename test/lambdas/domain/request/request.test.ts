/** What a request is about: an add-on or a service account, and no option of the other. */
import { describe, expect, it } from 'vitest';
import { isForAddon, migrationRequest } from '../../../../lambdas/domain/request/request.ts';
import { anAccountRequest, REF } from '../../account-fixtures.ts';
import { ADDON, aRequest, ROLE, target } from '../../fixtures.ts';

const problems = (request: object): string[] =>
  migrationRequest
    .safeParse({ target, ...request })
    .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
const OF_ADDONS = 'applies only to add-ons, and this request is about a service account: leave it out';

describe('migrationRequest', () => {
  it('takes an add-on or a service account', () => {
    expect([problems({ addon: ADDON }), problems({ serviceAccount: REF })]).toEqual([[], []]);
    expect([isForAddon(aRequest()), isForAddon(anAccountRequest())]).toEqual([true, false]);
  });

  it('keeps the annotation unless its removal is requested', () => {
    expect(anAccountRequest().annotation).toBe('keep');
    expect(anAccountRequest({ annotation: 'remove' }).annotation).toBe('remove');
    expect(problems({ serviceAccount: REF, annotation: 'drop' })).toHaveLength(1);
  });

  it('refuses a request with neither or both', () => {
    expect(problems({})).toEqual(['addon: addon or serviceAccount is required']);
    expect(problems({ addon: ADDON, serviceAccount: REF })).toEqual([
      'serviceAccount: must not be set together with addon',
    ]);
  });

  it.each<[string, object]>([
    ['strategy', { strategy: 'in-place' }],
    ['strategy', { strategy: 'recreate' }],
    ['preserve', { preserve: true }],
    ['resolveConflicts', { resolveConflicts: 'OVERWRITE' }],
    ['roles', { roles: { api: ROLE } }],
  ])('refuses %s with a service account, by its name: %j', (option, given) => {
    expect(problems({ serviceAccount: REF, ...given })).toEqual([`${option}: ${OF_ADDONS}`]);
    expect(problems({ addon: ADDON, ...given })).toEqual([]);
  });

  it('names every option that does not apply', () =>
    expect(
      problems({ serviceAccount: REF, strategy: 'in-place', preserve: true, roles: { api: ROLE } }).map(
        (one) => one.split(':')[0],
      ),
    ).toEqual(['strategy', 'preserve', 'roles']));

  it('accepts options that add-ons have too', () =>
    expect(
      problems({
        serviceAccount: REF,
        roleArn: ROLE,
        maxDisruption: 'rolling',
        trust: 'repair',
        agent: 'install',
        verification: 'api',
        dryRun: true,
        accept: ['condition-key:aws:SourceIp'],
        strategy: 'auto',
        preserve: false,
        roles: {},
      }),
    ).toEqual([]));

  it('refuses to remove the annotation of an add-on', () => {
    expect(problems({ addon: ADDON, annotation: 'remove' })).toEqual([
      'annotation: can only be remove for a service account: EKS manages the annotations of add-ons',
    ]);
    expect(problems({ addon: ADDON, annotation: 'keep' })).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['no name', { namespace: 'payments' }],
    ['a name with a slash', { namespace: 'payments', name: 'a/b' }],
    ['a namespace with a dot', { namespace: 'pay.ments', name: 'api' }],
    ['nothing', null],
    ['one text', 'payments/api'],
  ])('refuses a service account of %s', (_, serviceAccount) =>
    expect(problems({ serviceAccount }).length).toBeGreaterThan(0),
  );
});
