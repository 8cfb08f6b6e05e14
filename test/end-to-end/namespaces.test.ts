/**
 * The namespace of an add-on, and what a create names: each test in one world of what EKS may show and refuse. All worlds:
 * `namespaces.grid.test.ts`.
 */
import { describe, expect, it } from 'vitest';
import { mutationsOf } from './fixture.ts';
import { associated, COMMUNITY, describeNamespaces, RECREATE, run, UNKNOWN } from './namespaces.ts';

describeNamespaces((worlds, test) => worlds.filter((_, index) => index === (test * 5 + 5) % worlds.length));

describe('an add-on whose namespace is unknown', () => {
  const NOWHERE = { namespaceConfigShown: 'chosen', defaultNamespaceShown: false } as const;

  it('is blocked before anything changes, with a remedy', async () => {
    const ended = await run(UNKNOWN, NOWHERE);
    expect(ended.report.outcome).toBe('blocked');
    expect(ended.report.plan?.checks.find(({ id }) => id === 'addon-namespace')).toMatchObject({
      status: 'unknown',
      message: expect.stringContaining('The namespace of add-on fluent-bit is not known'),
      remedy: expect.stringContaining(
        'aws eks update-addon --region eu-west-1 --cluster-name logging-prod --addon-name fluent-bit --pod-identity-associations serviceAccount=fluent-bit,roleArn=arn:aws:iam::111122223333:role/logging-prod-fluent-bit',
      ),
    });
    expect([mutationsOf(ended), associated(ended.cluster, 'fluent-bit')]).toEqual([[], []]);
  });

  it('is recognized if it is in the registry', async () =>
    expect((await run(COMMUNITY, NOWHERE)).report).toMatchObject({
      outcome: 'migrated',
      plan: { namespace: 'external-dns' },
    }));

  it('is never deleted if the namespace that is shown may have been chosen', async () => {
    const shown = { namespaceConfigShown: 'always', defaultNamespaceShown: false } as const;
    const blocked = await run(UNKNOWN, shown, RECREATE);
    expect(blocked.report.outcome).toBe('blocked');
    expect(blocked.report.plan?.checks.find(({ id }) => id === 'create-namespace')?.status).toBe('unknown');
    expect(mutationsOf(blocked)).toEqual([]);
    const inPlace = await run(UNKNOWN, shown);
    expect(inPlace.report).toMatchObject({ outcome: 'migrated', plan: { namespace: 'fluent-bit' } });
    expect(inPlace.report.plan?.attempts.map(({ strategy }) => strategy)).toEqual(['in-place']);
  });
});
