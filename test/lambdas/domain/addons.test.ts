import { describe, expect, it } from 'vitest';
import { AGENT_ADDON, knownAddon } from '../../../lambdas/domain/addons.ts';

describe('the registry of add-ons', () => {
  it.each([
    ['aws-ebs-csi-driver', 'kube-system', 'ordinary', true],
    ['vpc-cni', 'kube-system', 'networking', true],
    ['coredns', 'kube-system', 'networking', false],
    ['kube-proxy', 'kube-system', 'networking', false],
    [AGENT_ADDON, 'kube-system', 'ordinary', false],
    ['adot', 'opentelemetry-operator-system', 'ordinary', true],
    ['amazon-cloudwatch-observability', 'amazon-cloudwatch', 'ordinary', true],
  ])('%s: in %s, %s, needs IAM: %s', (name, namespace, risk, needsIam) => {
    expect(knownAddon(name)).toEqual({ namespace, risk, needsIam });
  });

  it.each(['somebodys-add-on', 'constructor', 'toString', '__proto__'])('does not know %s', (name) => {
    expect(knownAddon(name)).toBeUndefined();
  });
});
