/** What the Terraform formats contain, read with a reader of its own. */
import { describe, expect, it } from 'vitest';
import { hclString } from '../../../../../lambdas/domain/hand-off/formats/hcl.ts';
import { renderHandOff } from '../../../../../lambdas/domain/hand-off/formats/index.ts';
import {
  PROVIDER_SCHEMA,
  PROVIDER_SINCE,
  PROVIDER_VERSION,
  type BlockSchema,
} from '../../../../../lambdas/domain/hand-off/formats/provider-schema.ts';
import { newest } from '../../../../../lambdas/domain/hand-off/formats/terraform-parts.ts';
import { handOff as schema, type HandOff } from '../../../../../lambdas/domain/terms/hand-off.ts';
import { isPrintable } from '../../../../../lambdas/domain/text/text.ts';
import { commentsOf } from './comments.ts';
import {
  EXAMPLES,
  handOffs,
  hostile,
  MIGRATED,
  PLANNED,
  REPAIR,
  RETIRED,
  ROLE,
  ROLLED_BACK,
  tame,
  WORKLOAD,
} from './hand-offs.ts';
import { asRead, readHcl, type ReadBlock, type Value } from './hcl-reader.ts';
import { forAll, forAllIn } from '../../../../for-all.ts';

const blocksOf = (handOff: HandOff, type: string): ReadBlock[] =>
  readHcl(renderHandOff(handOff, 'terraform')).filter((block) => block.type === type);
const resourcesOf = (handOff: HandOff, type: string): ReadBlock[] =>
  blocksOf(handOff, 'resource').filter(({ labels }) => labels[0] === type);
const attributes = (block: ReadBlock | undefined): Record<string, Value> => Object.fromEntries(block?.attributes ?? []);

it.each(Object.entries(EXAMPLES))('the example %s is a hand-off', (_, one) => expect(schema.parse(one)).toEqual(one));

describe('the add-on', () => {
  it('has a block for each service account, and no role', () => {
    const [addon, ...others] = resourcesOf(MIGRATED, 'aws_eks_addon');
    expect(others).toEqual([]);
    expect(attributes(addon)).toEqual({ cluster_name: 'reliability-dev', addon_name: 'aws-ebs-csi-driver' });
    const accounts = ['ebs-csi-controller-sa', 'ebs-csi-node-sa'].map((name) => ({
      role_arn: ROLE,
      service_account: name,
    }));
    expect(addon?.blocks.map(({ type }) => type)).toEqual(accounts.map(() => 'pod_identity_association'));
    expect(addon?.blocks.map(attributes)).toEqual(accounts);
    expect(commentsOf(MIGRATED)).toContain(`remove: service_account_role_arn = "${ROLE}"`);
  });

  it('has its role again after a rollback, and no block', () => {
    const [addon] = resourcesOf(ROLLED_BACK, 'aws_eks_addon');
    expect([attributes(addon)['service_account_role_arn'], addon?.blocks]).toEqual([ROLE, []]);
    expect(commentsOf(ROLLED_BACK)).toContain('remove: every pod_identity_association block');
  });

  it('is absent from the hand-off of a workload', () => expect(resourcesOf(WORKLOAD, 'aws_eks_addon')).toEqual([]));
});

describe('an association', () => {
  it('that is standalone is imported with all that it has', () => {
    const [imported] = blocksOf(WORKLOAD, 'import');
    const to = { reference: 'aws_eks_pod_identity_association.payments_api' };
    expect(attributes(imported)).toEqual({ to, id: 'reliability-dev,a-standalone' });
    const [resource] = resourcesOf(WORKLOAD, 'aws_eks_pod_identity_association');
    expect(resource?.labels[1]).toBe('payments_api');
    expect(attributes(resource)).toEqual({
      cluster_name: 'reliability-dev',
      namespace: 'payments',
      service_account: 'api',
      role_arn: 'arn:aws:iam::111122223333:role/payments-api',
      target_role_arn: 'arn:aws:iam::444455556666:role/target',
      disable_session_tags: true,
      policy: WORKLOAD.associations[0]?.policy,
      tags: asRead({ 'pod-identity-migrator/migration': '01JB0000000000000000000000' }),
    });
  });

  it('that does not exist yet has a placeholder and its explanation, and no empty tags', () => {
    expect(attributes(blocksOf(PLANNED, 'import')[0])['id']).toBe('reliability-dev,ASSOCIATION-ID');
    expect(commentsOf(PLANNED)).toContain('The id of the association of payments/api is known after the migration');
    expect(attributes(resourcesOf(PLANNED, 'aws_eks_pod_identity_association')[0])).not.toHaveProperty('tags');
  });

  it('that the add-on owns, or that is gone, is only named', () => {
    expect([blocksOf(MIGRATED, 'import'), resourcesOf(MIGRATED, 'aws_eks_pod_identity_association')]).toEqual([[], []]);
    expect(commentsOf(MIGRATED)).toMatch(/not to import.*a-created for kube-system.*no longer exist.*a-purged for/);
  });

  it('has labels of its own, also where names differ only in characters that labels cannot have', () => {
    const twice = { ...WORKLOAD, associations: ['a.b', 'a-b', '9'].map((name) => ({ ...one, serviceAccount: name })) };
    const labels = resourcesOf(twice, 'aws_eks_pod_identity_association').map((block) => block.labels[1]);
    expect(labels).toEqual(['payments_a_b', 'payments_a_b_2', 'payments_9']);
  });
});
const [one] = WORKLOAD.associations as [HandOff['associations'][number]];

describe('a trust policy', () => {
  it('gets the statement as a policy document, and for jsonencode in comments', () => {
    const [document] = blocksOf(MIGRATED, 'data');
    expect(document?.labels).toEqual(['aws_iam_policy_document', 'reliability_dev_ebs_trust']);
    const [statement] = document?.blocks ?? [];
    const arn = REPAIR.Condition.ArnEquals['aws:SourceArn'];
    expect(attributes(statement)).toEqual({ sid: 'PodIdentity7', effect: 'Allow', actions: REPAIR.Action });
    expect(statement?.blocks.map((block) => [block.type, attributes(block)])).toEqual([
      ['principals', { type: 'Service', identifiers: ['pods.eks.amazonaws.com'] }],
      ['condition', { test: 'StringEquals', variable: 'aws:SourceAccount', values: ['111122223333'] }],
      ['condition', { test: 'ArnEquals', variable: 'aws:SourceArn', values: [arn] }],
    ]);
    expect(commentsOf(MIGRATED)).toMatch(/The same statement, for jsonencode: \{ Sid +=/);
  });

  it('loses the statement in comments alone, and gets what is kept as code', () => {
    expect(blocksOf(RETIRED, 'data').map(({ labels }) => labels[1])).toEqual(['payments_api_trust']);
    expect(commentsOf(RETIRED).match(/Remove this statement/g)).toHaveLength(2);
  });

  it.each([
    ['an element that it has no place for', { ...REPAIR, Other: 1 }],
    ['&{, which it replaces', { ...REPAIR, Sid: 'a&{b}' }],
  ])('is a local value if the data source cannot have %s', (_, statement) => {
    const handOff = { ...MIGRATED, trust: [{ roleArn: ROLE, action: 'add' as const, statement }] };
    expect(blocksOf(handOff, 'data')).toEqual([]);
    const expected = { reliability_dev_ebs_trust_statement: asRead(statement) };
    expect(attributes(blocksOf(handOff, 'locals')[0])).toEqual(expected);
  });
});

describe('terraform-aws-modules/eks', () => {
  it('has the entry of the add-on with its version', () => {
    const [module] = readHcl(renderHandOff(MIGRATED, 'terraform-module'));
    expect(module?.labels).toEqual(['eks']);
    expect(attributes(module)['addons']).toEqual(
      asRead({
        'aws-ebs-csi-driver': {
          addon_version: 'v1.40.0-eksbuild.1',
          pod_identity_association: [
            { role_arn: ROLE, service_account: 'ebs-csi-controller-sa' },
            { role_arn: ROLE, service_account: 'ebs-csi-node-sa' },
          ],
        },
      }),
    );
    expect(commentsOf(MIGRATED, 'terraform-module')).toContain('terraform-aws-modules/eks 20.29 or newer');
  });

  it('has the role again after a rollback', () => {
    const [module] = readHcl(renderHandOff(ROLLED_BACK, 'terraform-module'));
    expect(attributes(module)['addons']).toEqual(asRead({ 'aws-ebs-csi-driver': { service_account_role_arn: ROLE } }));
  });
});

describe('versions', () => {
  it.each([
    ['the block', MIGRATED, '>= 5.75.0'],
    ['a session policy', WORKLOAD, '>= 6.57.1'],
    ['a standalone association', PLANNED, '>= 5.29.0'],
    ['a target role', { ...PLANNED, associations: [{ ...one, policy: undefined }] }, '>= 6.2.0'],
  ])('of the provider for %s', (_, handOff, version) =>
    expect(commentsOf(schema.parse(handOff))).toContain(`version = "${version}"`),
  );

  it('are compared by their numbers', () => {
    expect([newest(['6.2.0', '6.57.1', '5.75.0']), newest(['10.0.0', '9.9.9'])]).toEqual(['6.57.1', '10.0.0']);
    expect(newest([])).toBeUndefined();
    expect(newest([...Object.values(PROVIDER_SINCE), PROVIDER_VERSION])).toBe(PROVIDER_VERSION);
  });
});

/** Returns the problems of a block that the schema does not have. */
function unknownIn(block: ReadBlock, known: BlockSchema, path: string): string[] {
  return [
    ...[...block.attributes.keys()].filter((name) => !known.attributes.includes(name)).map((name) => `${path}.${name}`),
    ...block.blocks.flatMap((inner) => {
      const next = known.blocks[inner.type];
      return next ? unknownIn(inner, next, `${path}.${inner.type}`) : [`${path}.${inner.type}`];
    }),
  ];
}
const SCHEMA: Readonly<Record<string, Readonly<Record<string, BlockSchema>>>> = PROVIDER_SCHEMA;

const unknownOf = (blocks: readonly ReadBlock[]): string[] =>
  blocks
    .filter(({ type }) => type === 'resource' || type === 'data')
    .flatMap((block) => {
      const type = block.labels[0] ?? '';
      const known = SCHEMA[block.type]?.[type];
      return known ? unknownIn(block, known, type) : [type];
    });

describe('any hand-off', () => {
  it.each(['terraform', 'terraform-module'] as const)(
    'is HCL of printable lines, with arguments of the provider alone: %s',
    (format) =>
      forAll(handOffs(hostile, hostile), (handOff) => {
        const code = renderHandOff(handOff, format);
        expect([code.split('\n').filter((line) => !isPrintable(line)), unknownOf(readHcl(code))]).toEqual([[], []]);
      }),
  );

  it('keeps every value, whatever it contains', () =>
    forAll(handOffs(tame, hostile), (handOff) => {
      const imports = handOff.associations.filter(({ action }) => action === 'import');
      const found = resourcesOf(handOff, 'aws_eks_pod_identity_association');
      expect(found.map((block) => attributes(block)['policy'])).toEqual(imports.map(({ policy }) => policy));
      const tagsOf = found.map((block) => attributes(block)['tags'] ?? new Map());
      expect(tagsOf).toEqual(imports.map(({ tags }) => asRead(tags)));
      const ids = imports.map(({ id }) => `${handOff.target.cluster},${id ?? 'ASSOCIATION-ID'}`);
      expect(blocksOf(handOff, 'import').map((block) => attributes(block)['id'])).toEqual(ids);
      const labels = blocksOf(handOff, 'resource').map(({ labels: all }) => all.join('.'));
      expect(new Set(labels).size).toBe(labels.length);
    }));

  it('quotes every text so that reading it returns it', () =>
    forAllIn(2000, hostile, (text) => {
      const [block] = readHcl(`a {\n  b = ${hclString(text)}\n}\n`);
      expect(attributes(block)['b']).toBe(text);
    }));

  it('reports an attribute that the provider does not have', () => {
    const code = 'resource "aws_eks_addon" "a" {\n  nonsense = 1\n  timeouts {\n    b = 1\n  }\n}\n';
    expect(unknownOf(readHcl(code))).toEqual(['aws_eks_addon.nonsense', 'aws_eks_addon.timeouts.b']);
  });
});
