/** Hand-offs for the tests of the formats and for `scripts/check-hand-off.sh`: written by hand, and arbitrary ones. */
import * as fc from 'fast-check';
import type { HandOff, HandOffAnnotation, HandOffAssociation } from '../../../../../lambdas/domain/terms/hand-off.ts';
import { codePoint } from '../../../../code-points.ts';

export const TARGET = { account: '111122223333', region: 'eu-west-1', cluster: 'reliability-dev' };
export const ROLE = 'arn:aws:iam::111122223333:role/team/reliability-dev-ebs';
const CONTROLLER = { namespace: 'kube-system', serviceAccount: 'ebs-csi-controller-sa', roleArn: ROLE };
const API = { namespace: 'payments', serviceAccount: 'api', roleArn: 'arn:aws:iam::111122223333:role/payments-api' };

export const REPAIR = {
  Sid: 'PodIdentity7',
  Effect: 'Allow',
  Principal: { Service: 'pods.eks.amazonaws.com' },
  Action: ['sts:AssumeRole', 'sts:TagSession'],
  Condition: {
    StringEquals: { 'aws:SourceAccount': '111122223333' },
    ArnEquals: { 'aws:SourceArn': 'arn:aws:eks:eu-west-1:111122223333:cluster/reliability-dev' },
  },
};
export const IRSA = {
  Effect: 'Allow',
  Principal: { Federated: 'arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC' },
  Action: 'sts:AssumeRoleWithWebIdentity',
  Condition: { StringEquals: { 'oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub': 'system:serviceaccount:a:b' } },
};

const EMPTY = { associations: [], trust: [], annotations: [], notInCode: [], order: [] };

/** After an add-on's migration. */
export const MIGRATED: HandOff = {
  ...EMPTY,
  state: 'migrated',
  target: TARGET,
  addon: {
    name: 'aws-ebs-csi-driver',
    version: 'v1.40.0-eksbuild.1',
    removeRoleArn: ROLE,
    associations: [CONTROLLER, { ...CONTROLLER, serviceAccount: 'ebs-csi-node-sa' }],
  },
  associations: [
    { ...CONTROLLER, action: 'do-not-import', id: 'a-created', tags: {} },
    { ...CONTROLLER, action: 'remove', id: 'a-purged', tags: {} },
  ],
  trust: [{ roleArn: ROLE, action: 'add', statement: REPAIR }],
  notInCode: [{ namespace: 'kube-system', serviceAccount: 'ebs-csi-controller-sa', fields: ['targetRoleArn', 'tags'] }],
  order: ['Do not apply the former code.', 'Merge the new code.', 'Run a plan. It must be empty.'],
};

/** After a workload's migration. */
export const WORKLOAD: HandOff = {
  ...EMPTY,
  state: 'migrated',
  target: TARGET,
  serviceAccount: { namespace: 'payments', name: 'api' },
  associations: [
    {
      ...API,
      action: 'import',
      id: 'a-standalone',
      targetRoleArn: 'arn:aws:iam::444455556666:role/target',
      disableSessionTags: true,
      policy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}',
      tags: { 'pod-identity-migrator/migration': '01JB0000000000000000000000' },
    },
  ],
  annotations: [{ ...API, action: 'remove' }],
};

/** Before a migration: no id is known. */
export const PLANNED: HandOff = {
  ...WORKLOAD,
  state: 'planned',
  associations: [{ ...API, action: 'import', tags: {} }],
  annotations: [{ ...API, action: 'keep' }],
};

export const ROLLED_BACK: HandOff = {
  ...EMPTY,
  state: 'rolled-back',
  target: TARGET,
  addon: { name: 'aws-ebs-csi-driver', addRoleArn: ROLE, associations: [] },
  associations: [{ ...CONTROLLER, action: 'remove', id: 'a-created', tags: {} }],
  trust: [{ roleArn: ROLE, action: 'remove', statement: REPAIR }],
};

export const RETIRED: HandOff = {
  ...EMPTY,
  state: 'retired',
  target: TARGET,
  serviceAccount: { namespace: 'payments', name: 'api' },
  trust: [
    { roleArn: ROLE, action: 'remove', statement: IRSA },
    { roleArn: API.roleArn, action: 'remove', statement: IRSA, kept: { ...IRSA, Principal: { AWS: '*' } } },
  ],
};

export const EXAMPLES: Readonly<Record<string, HandOff>> = {
  migrated: MIGRATED,
  workload: WORKLOAD,
  planned: PLANNED,
  'rolled-back': ROLLED_BACK,
  retired: RETIRED,
};

/** Texts that mean something in HCL, YAML, CloudFormation, JSON or a terminal. */
const PIECES = [
  '${', '$${', '$$${', '%{', '%%{', '$', '%', '{', '}', '&{', '~}', '"', "'", '`', '\\', '\\u0024', '\\n', '\n', '\r\n',
  '\t', '\u0000', '\u001b[31m', '\u007f', '\u0085', '\u00a0', '\u2028', '\u202e', '\ufeff', '\u{e0041}', 'é', '😀',
  '#', '//', '/*', '*/', '---', '...', ': ', '- ', '? ', '<<', '<<: ', '<<EOT\n', '!Sub ', '!!binary', '*a', '&a', '|', '>',
  '@', 'yes', 'no', 'null', '~', '0x1f', '1e3', '1:30', '2026-11-28', '=', '.inf', '{{resolve:ssm:x}}', 'true', '__proto__', ' ',
]; // prettier-ignore

/** Any text that an account may contain. */
export const hostile = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join('')),
  fc.string({ unit: codePoint, minLength: 1, maxLength: 30 }),
);
/** The keys of tags that CloudFormation's schema accepts. */
export const tagKeys = hostile.filter((key) => /^(?!aws:).+$/.test(key));
/** Names that EKS and Kubernetes accept. */
export const tame = fc.stringMatching(/^[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,5}){0,2}$/);

const optional = <Value>(key: string, arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Record<string, Value>> =>
  fc.option(arbitrary, { nil: undefined }).map((value) => (value === undefined ? {} : { [key]: value }));

/** Statements as IAM accepts them in a trust policy, and as it does not. */
const statements = (text: fc.Arbitrary<string>): fc.Arbitrary<Record<string, unknown>> => {
  const list = fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 }));
  return fc
    .tuple(
      optional('Sid', text),
      fc.constantFrom({ Effect: 'Allow' }, { Effect: 'Deny' }),
      fc.oneof(
        fc.record({ Principal: fc.oneof(fc.constant('*'), fc.dictionary(text, list, { minKeys: 1, maxKeys: 2 })) }),
        fc.constant({}),
      ),
      fc.oneof(fc.record({ Action: list }), fc.record({ NotAction: list })),
      optional('Condition', fc.dictionary(text, fc.dictionary(text, list, { maxKeys: 2 }), { maxKeys: 2 })),
      fc.oneof({ weight: 4, arbitrary: fc.constant({}) }, fc.record({ Other: fc.jsonValue() })),
    )
    .map((parts) => Object.assign({}, ...parts) as Record<string, unknown>);
};

/** Hand-offs. `name` makes names and ARNs, `text` what may contain anything: tags, session policies, statements. */
export function handOffs(name: fc.Arbitrary<string>, text: fc.Arbitrary<string>, tagKey = text): fc.Arbitrary<HandOff> {
  const role = name.map((last) => `arn:aws:iam::111122223333:role/${last}`);
  const block = fc.record({ namespace: name, serviceAccount: name, roleArn: role });
  const association = fc
    .tuple(
      block,
      fc.record({
        action: fc.constantFrom<HandOffAssociation['action']>('import', 'do-not-import', 'remove'),
        tags: fc.dictionary(tagKey, text, { maxKeys: 3 }),
      }),
      optional('id', name),
      optional('targetRoleArn', role),
      optional('disableSessionTags', fc.boolean()),
      optional('policy', text),
    )
    .map((parts) => Object.assign({}, ...parts) as HandOffAssociation);
  const addon = fc
    .tuple(
      fc.record({ name, associations: fc.array(block, { maxLength: 3 }) }),
      optional('version', name),
      optional('addRoleArn', role),
      optional('removeRoleArn', role),
    )
    .map((parts) => Object.assign({}, ...parts) as NonNullable<HandOff['addon']>);
  const annotation = fc
    .tuple(block, fc.constantFrom<HandOffAnnotation['action']>('remove', 'keep', 'restore'))
    .map(([one, action]) => ({ ...one, action }));
  return fc
    .tuple(
      fc.record({
        state: fc.constantFrom<HandOff['state']>('planned', 'migrated', 'rolled-back', 'retired', 'found'),
        target: fc.record({ account: fc.constant(TARGET.account), region: fc.constant(TARGET.region), cluster: name }),
        associations: fc.array(association, { maxLength: 4 }),
        trust: fc.array(
          fc.oneof(
            fc.record({ roleArn: role, action: fc.constant('add' as const), statement: statements(text) }),
            fc.record({
              roleArn: role,
              action: fc.constant('remove' as const),
              statement: statements(text),
              kept: statements(text),
            }),
          ),
          { maxLength: 2 },
        ),
        annotations: fc.array(annotation, { maxLength: 2 }),
        notInCode: fc.array(
          fc.record({
            namespace: name,
            serviceAccount: name,
            fields: fc.subarray<HandOff['notInCode'][number]['fields'][number]>(['targetRoleArn', 'policy', 'tags']),
          }),
          { maxLength: 2 },
        ),
        order: fc.array(text, { maxLength: 2 }),
      }),
      fc.oneof(fc.record({ addon }), fc.record({ serviceAccount: fc.record({ namespace: name, name }) })),
    )
    .map(([handOff, subject]) => ({ ...handOff, ...subject }));
}
