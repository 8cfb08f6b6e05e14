import { describe, expect, it } from 'vitest';
import { readdirSync, readFileSync } from 'node:fs';
import { loadCatalogue } from '../../../sandbox/catalog/index.ts';
import { checkConfiguration } from '../../../sandbox/eks/configuration.ts';
import { EksError } from '../../../sandbox/eks/errors.ts';
import { CLUSTER, EBS, failureOf, openFixture } from './fixture.ts';

const catalogue = loadCatalogue();
/** Returns the error of a configuration; undefined for a valid one. */
const refusalOf = (addon: string, text: string | undefined): string | undefined => {
  try {
    checkConfiguration(text, catalogue.get(addon)!.configurationSchema, { addonName: addon });
  } catch (error) {
    expect(error).toBeInstanceOf(EksError);
    expect(error).toMatchObject({ name: 'InvalidParameterException', status: 400, fields: { addonName: addon } });
    return (error as Error).message.replace('ConfigurationValue provided in request is not supported: ', '');
  }
  return undefined;
};
const NOT_DEFINED = 'is not defined in the schema and the schema does not allow additional properties';
const failed = (...faults: string[]): string => `Json schema validation failed with error: [${faults.join(', ')}]`;

describe('configuration values', () => {
  it.each([
    [
      'vpc-cni',
      '{"env":{"ENABLE_PREFIX_DELEGATION":"true","WARM_PREFIX_TARGET":"1"},"init":{"env":{"DISABLE_TCP_EARLY_DEMUX":"true"}}}',
    ],
    ['vpc-cni', 'env:\n  ENABLE_PREFIX_DELEGATION: "true" # quoted: all of them are texts\naffinity: null\n'],
    [
      'coredns',
      'replicaCount: 3\nresources:\n  limits: {memory: 170Mi, cpu: 1}\ntolerations:\n- {key: critical, operator: Exists}\n',
    ],
    ['kube-proxy', '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}'],
    [EBS, '{"controller":{"extraVolumeTags":{"team":"a b","cost-centre":"4711"},"replicaCount":2}}'],
    [EBS, '{}'],
    [EBS, ''],
    [EBS, undefined],
    ['aws-efs-csi-driver', 'controller:\n  resources:\n    requests:\n      cpu: 50m\n'],
    ['adot', '{"collector":{"prometheusMetrics":{"resources":{"limits":{"memory":"1Gi"}}}}}'],
  ])('%s accepts %j', (addon, text) => expect(refusalOf(addon, text)).toBeUndefined());

  // Messages: aws/amazon-vpc-cni-k8s#2491, terraform-aws-modules/terraform-aws-eks#2349, aws/containers-roadmap#2216; the
  // others are the validator's own.
  it.each([
    ['vpc-cni', '{"InitEnv":{}}', failed(`$.InitEnv: ${NOT_DEFINED}`)],
    ['vpc-cni', '{"env":{"DISABLE_TCP_EARLY_DEMUX":"true"}}', failed(`$.env.DISABLE_TCP_EARLY_DEMUX: ${NOT_DEFINED}`)],
    [
      'vpc-cni',
      '{"env":{"ENABLE_PREFIX_DELEGATION":true,"WARM_PREFIX_TARGET":1}}',
      failed(
        '$.env.ENABLE_PREFIX_DELEGATION: boolean found, string expected',
        '$.env.WARM_PREFIX_TARGET: integer found, string expected',
      ),
    ],
    ['vpc-cni', 'affinity: none', failed('$.affinity: string found, but [object, null] is required')],
    ['kube-proxy', 'mode: userspace', failed('$.mode: does not have a value in the enumeration [iptables, ipvs]')],
    ['coredns', '{"tolerations":[{"key":1}]}', failed('$.tolerations[0].key: integer found, string expected')],
    [EBS, 'controller:\n  replicaCount: 1.5\n', failed('$.controller.replicaCount: number found, integer expected')],
    [EBS, '{"controller":{"replicaCount":0}}', failed('$.controller.replicaCount: must have a minimum value of 1')],
    [
      EBS,
      '{"controller":{"extraVolumeTags":{"team":"a;b"}}}',
      failed(
        String.raw`$.controller.extraVolumeTags.team: does not match the regex pattern ^[a-zA-Z0-9 _\.:\/=+\-@]*$`,
      ),
    ],
    [EBS, '[]', failed('$: array found, object expected')],
    [EBS, 'null', failed('$: null found, object expected')],
    [EBS, '# nothing but a comment\n', failed('$: null found, object expected')],
    [EBS, 'just words', failed('$: string found, object expected')],
    [EBS, '{"controller":', 'it is neither valid JSON nor YAML'],
    [EBS, 'a: b: c', 'it is neither valid JSON nor YAML'],
  ])('%s rejects %j: %s', (addon, text, why) => expect(refusalOf(addon, text)).toBe(why));

  it('of the scenarios are all valid', () => {
    const folder = 'sandbox/scenarios';
    const seen: string[] = [];
    for (const file of readdirSync(folder)) {
      const { accounts } = JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as {
        accounts: { clusters?: { addons: { name: string; configurationValues?: string }[] }[] }[];
      };
      for (const { name, configurationValues } of accounts
        .flatMap(({ clusters = [] }) => clusters)
        .flatMap(({ addons }) => addons)) {
        expect([file, name, refusalOf(name, configurationValues)]).toEqual([file, name, undefined]);
        if (configurationValues !== undefined) seen.push(name);
      }
    }
    expect(seen.length).toBeGreaterThan(3);
  });
});

it.each(['vpc-cni', EBS])('the API returns the schema of %s and validates by it', async (addonName) => {
  const { eks } = openFixture();
  const [version] = catalogue.get(addonName)!.versions;
  const { configurationSchema } = await eks.describeAddonConfiguration({ addonName, addonVersion: version!.version });
  expect(configurationSchema).toBe(catalogue.get(addonName)!.configurationSchema);
  const refusal = await failureOf(eks.createAddon({ clusterName: CLUSTER, addonName, configurationValues: 'nope: 1' }));
  expect(refusal).toMatchObject({
    name: 'InvalidParameterException',
    addonName,
    message: expect.stringContaining('[$.nope: is not defined in the schema'),
  });
});
