import { describe, expect, it } from 'vitest';
import { toOfferedVersions } from '../../../lambdas/adapters/aws-eks-shapes.ts';

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
