import { describe, expect, it } from 'vitest';
import { toAddon, toOfferedVersions } from '../../../lambdas/adapters/aws-eks-shapes.ts';
import { ADDON, addonArn, VERSION } from '../fixtures.ts';

describe('the versions that are offered', () => {
  const on = (clusterVersion: string, platformVersions: string[], defaultVersion: boolean) => ({
    clusterVersion,
    platformVersions,
    defaultVersion,
  });
  it('have the default of any platform of that Kubernetes version', () => {
    const addonVersions = [
      { addonVersion: 'v3', compatibilities: [on('1.31', ['eks.1'], false), on('1.31', ['eks.2'], true)] },
      { addonVersion: 'v2', compatibilities: [on('1.31', ['eks.1'], false), on('1.30', ['eks.9'], true)] },
      { addonVersion: 'v1', compatibilities: [on('1.30', ['eks.1'], true)] },
    ];
    expect(toOfferedVersions({ addonVersions }, '1.31').map((one) => [one.version, one.default])).toEqual([
      ['v3', true],
      ['v2', false],
    ]);
  });
});

describe('an add-on', () => {
  const found = { addonName: ADDON, addonArn: addonArn(1), addonVersion: VERSION, status: 'DEGRADED' as const };
  it('has the issues that EKS names, and none where it names none', () => {
    const issues = [{ code: 'InsufficientNumberOfReplicas' as const, message: 'why', resourceIds: ['pod'] }, {}];
    expect(toAddon({ ...found, health: { issues } }).issues).toEqual([
      { code: 'InsufficientNumberOfReplicas', message: 'why', resourceIds: ['pod'] },
      { code: 'Unknown', message: '', resourceIds: [] },
    ]);
    for (const health of [undefined, {}]) expect(toAddon({ ...found, health }).issues).toEqual([]);
  });
  it('has no role where EKS answers an empty one', () =>
    expect(toAddon({ ...found, serviceAccountRoleArn: '' }).serviceAccountRoleArn).toBeUndefined());
});
