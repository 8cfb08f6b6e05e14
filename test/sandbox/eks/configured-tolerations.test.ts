/** Tolerations that configuration values set for the pods of add-ons. */
import { describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../../sandbox/catalog/index.ts';
import { withConfiguredTolerations } from '../../../sandbox/eks/configured-tolerations.ts';

const EVERY = [{ operator: 'Exists' }];
const GPU = [{ key: 'gpu', operator: 'Exists' }];

/** Returns the tolerations of an add-on's workloads by name. */
const tolerationsOf = (addon: string, values: unknown): Record<string, unknown> => {
  const text = typeof values === 'string' || values === undefined ? values : JSON.stringify(values);
  const { workloads } = withConfiguredTolerations(loadCatalogue().get(addon)!.objects, text);
  return Object.fromEntries(workloads.map(({ name, tolerations }) => [name, tolerations]));
};

describe('tolerations in configuration values', () => {
  it.each<[unknown, unknown]>([
    [undefined, EVERY],
    ['agent:\n  additionalArgs: {}\n', EVERY],
    [{ tolerations: GPU }, GPU],
    ['tolerations:\n- {key: gpu, operator: Exists}\n', GPU],
    [{ tolerations: [] }, undefined],
    ['{"tolerations":', EVERY],
  ])('of the agent: %j', (values, expected) =>
    expect(tolerationsOf('eks-pod-identity-agent', values)).toEqual({ 'eks-pod-identity-agent': expected }),
  );

  it.each<[unknown, unknown, unknown]>([
    [{ node: { tolerations: GPU } }, undefined, [...EVERY, ...GPU]],
    [{ node: { tolerateAllTaints: false, tolerations: GPU } }, undefined, GPU],
    [{ node: { tolerateAllTaints: false } }, undefined, undefined],
    [{ controller: { tolerations: GPU } }, GPU, EVERY],
  ])('of a CSI driver: %j', (values, controller, node) =>
    expect(tolerationsOf('aws-ebs-csi-driver', values)).toEqual({
      'ebs-csi-controller': controller,
      'ebs-csi-node': node,
    }),
  );
});
