import { describe, expect, it } from 'vitest';
import { CLUSTER_VERSIONS } from '../../../sandbox/catalog/cluster-versions.ts';
import { loadCatalogue } from '../../../sandbox/catalog/index.ts';
import { failureOf, openFixture, type Fixture } from './fixture.ts';

type Input = Parameters<Fixture['eks']['describeClusterVersions']>[0];
/** Returns the versions in the response to a request at the given time of the world. */
const versionsAt = async (time: string, input: Input = {}) => {
  const { eks, world } = openFixture();
  world.schedule.advanceTo(Date.parse(time));
  return (await eks.describeClusterVersions(input)).clusterVersions ?? [];
};
const names = (versions: { clusterVersion?: string }[]) =>
  versions.map(({ clusterVersion }) => clusterVersion).join(' ');

describe('DescribeClusterVersions', () => {
  it('returns the status of each version at the world’s time', async () => {
    const versions = await versionsAt('2026-01-15T09:00:00Z');
    expect(versions.map((v) => [v.clusterVersion, v.versionStatus, v.status, v.defaultVersion])).toEqual([
      ['1.29', 'EXTENDED_SUPPORT', 'extended-support', false],
      ['1.30', 'EXTENDED_SUPPORT', 'extended-support', false],
      ['1.31', 'EXTENDED_SUPPORT', 'extended-support', false],
      ['1.32', 'STANDARD_SUPPORT', 'standard-support', false],
      ['1.33', 'STANDARD_SUPPORT', 'standard-support', false],
      ['1.34', 'STANDARD_SUPPORT', 'standard-support', true],
    ]);
    expect(versions[2]).toMatchObject({
      clusterType: 'eks',
      defaultPlatformVersion: 'eks.50',
      releaseDate: new Date('2024-09-26'),
      endOfStandardSupportDate: new Date('2025-11-26'),
      endOfExtendedSupportDate: new Date('2026-11-26'),
    });
  });

  it('returns a version, as the default, from its release on', async () => {
    expect(names(await versionsAt('2026-01-26T23:59:59Z'))).not.toContain('1.35');
    expect((await versionsAt('2026-01-27T00:00:00Z')).filter(({ defaultVersion }) => defaultVersion)).toMatchObject([
      {
        clusterVersion: '1.35',
        defaultPlatformVersion: 'eks.3',
        versionStatus: 'STANDARD_SUPPORT',
        endOfStandardSupportDate: new Date('2027-03-27'),
        endOfExtendedSupportDate: new Date('2028-03-27'),
      },
    ]);
  });

  it('has the versions of late November 2026', async () => {
    const versions = await versionsAt('2026-11-29T00:00:00Z');
    const having = (support: string) => names(versions.filter(({ status }) => status === support));
    expect([having('extended-support'), having('standard-support')]).toEqual(['1.32 1.33', '1.34 1.35 1.36']);
    expect(versions).toHaveLength(5);
  });

  it('omits unsupported versions unless requested', async () => {
    const inAugust = async (input: Input) => names(await versionsAt('2026-08-01T00:00:00Z', input));
    expect(await inAugust({})).toBe('1.31 1.32 1.33 1.34 1.35 1.36');
    expect(await inAugust({ includeAll: true })).toBe('1.29 1.30 1.31 1.32 1.33 1.34 1.35 1.36');
    expect(await inAugust({ versionStatus: 'UNSUPPORTED' })).toBe('1.29 1.30');
    expect(await inAugust({ clusterVersions: ['1.29', '1.33', '1.99'] })).toBe('1.29 1.33');
  });

  it('filters by status, default and type, and returns pages', async () => {
    const asked = async (input: Input) => names(await versionsAt('2026-01-15T09:00:00Z', input));
    expect(await asked({ status: 'standard-support' })).toBe('1.32 1.33 1.34');
    expect([await asked({ defaultOnly: true }), await asked({ clusterType: 'outpost' })]).toEqual(['1.34', '']);
    const ofAnyType = await asked({});
    expect([await asked({ clusterType: 'eks' }), await asked({ clusterType: '' })]).toEqual([ofAnyType, ofAnyType]);
    const { eks } = openFixture();
    const first = await eks.describeClusterVersions({ maxResults: 3 });
    expect(names(first.clusterVersions ?? [])).toBe('1.29 1.30 1.31');
    const second = await eks.describeClusterVersions({ nextToken: first.nextToken });
    expect(names(second.clusterVersions ?? [])).toBe('1.32 1.33 1.34');
    expect(await failureOf(eks.describeClusterVersions({ versionStatus: 'OLD' as never }))).toMatchObject({
      name: 'InvalidParameterException',
      message:
        "1 validation error detected: Value 'OLD' at 'versionStatus' failed to satisfy constraint: Member must satisfy enum value set: [EXTENDED_SUPPORT, STANDARD_SUPPORT, UNSUPPORTED]",
    });
  });

  it('has exactly the versions that the catalogue’s add-ons support', () => {
    const used = new Set(
      [...loadCatalogue().values()].flatMap((addon) =>
        addon.versions.flatMap(({ kubernetesVersions }) => kubernetesVersions),
      ),
    );
    expect(CLUSTER_VERSIONS.map(({ version }) => version)).toEqual([...used].sort());
  });
});
