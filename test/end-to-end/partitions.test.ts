/** Whole migrations in regions of other partitions, which have other ARNs and hosts. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dnsSuffixOf, partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { ADDON, identityOf, migrate, mutationsOf, RECREATE, SCENARIO, TARGET, type RunOptions } from './fixture.ts';
import { words } from '../words.ts';

/** The first case, moved to another region with all its names. */
const scenarioIn = (region: string): Scenario => {
  const text = readFileSync(SCENARIO, 'utf8')
    .replaceAll('eu-west-1.amazonaws.com', `${region}.${dnsSuffixOf(region)}`)
    .replaceAll('eu-west-1', region)
    .replaceAll('arn:aws:', `arn:${partitionOf(region)}:`);
  return parseScenario(text, region);
};

const REGIONS = words`
  eusc-de-east-1 cn-north-1 us-gov-west-1 us-iso-east-1 us-isob-east-1 eu-isoe-west-1 us-isof-south-1
`;

const startIn = async (region: string, options: RunOptions) => {
  const ended = await migrate({
    scenario: scenarioIn(region),
    ...options,
    request: { target: { ...TARGET, region }, ...options.request },
  });
  const cluster = ended.backend.sandbox.world.accounts.get(TARGET.account)?.clusters.get(`${region}/${TARGET.cluster}`);
  if (!cluster) throw new Error(`No cluster in ${region}.`);
  return { ...ended, cluster };
};

describe('an add-on in another partition', () => {
  it.each(REGIONS)('is migrated in place in %s, by the SDK and its tokens', async (region) => {
    const { report, cluster, backend } = await startIn(region, { clients: 'sdk' });
    expect(report.failure).toBeUndefined();
    expect(report).toMatchObject({ outcome: 'migrated', verified: 'ready' });
    expect([...new Set(identityOf(cluster, 'ebs-csi-controller-sa'))]).toEqual(['pod-identity']);
    expect(report.associations.created[0]?.arn).toMatch(
      new RegExp(`^arn:${partitionOf(region)}:eks:${region}:${TARGET.account}:podidentityassociation/`),
    );
    expect(backend.sandbox.failures).toEqual([]);
  });

  it('is recreated, under an ARN of its partition', async () => {
    const ended = await startIn('cn-north-1', { request: RECREATE });
    expect(ended.report).toMatchObject({ outcome: 'migrated', applied: { strategy: 'recreate' } });
    expect(ended.cluster.addons.get(ADDON)?.arn.split(':')[1]).toBe('aws-cn');
    expect(mutationsOf(ended)).toEqual(['eks:DeleteAddon', 'eks:DeletePodIdentityAssociation', 'eks:CreateAddon']);
  });
});
