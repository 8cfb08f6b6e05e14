/** Bodies about an add-on or a service account: the document takes what the Lambda takes, and nothing else. */
import { readFileSync } from 'node:fs';
import { Validator } from '@cfworker/json-schema';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { migrationBody, planBody } from '../../../lambdas/api/inputs.ts';
import { type Document, OPENAPI_FILE } from '../../../scripts/openapi.ts';
import { REQUEST_KINDS } from '../../../scripts/openapi/request-kinds.ts';
import { forAllIn } from '../../for-all.ts';

const { components } = JSON.parse(readFileSync(OPENAPI_FILE, 'utf8')) as Document;
const validatorOf = (name: string): Validator =>
  new Validator({ $ref: `#/components/schemas/${name}`, components }, '2020-12');

const ROLE = 'arn:aws:iam::111122223333:role/eks-addons/ebs-csi';
const TARGET = { account: '111122223333', region: 'eu-west-1', cluster: 'dev' };
/** Of each field, values that are right and values that are not, whatever else is there. */
const VALUES: Record<string, unknown[]> = {
  target: [TARGET, { ...TARGET, account: '1' }, { ...TARGET, more: 1 }, {}],
  addon: ['aws-ebs-csi-driver', 'AWS', 1],
  serviceAccount: [{ namespace: 'payments', name: 'api' }, { namespace: 'payments' }, { namespace: 'A', name: 'b' }],
  annotation: ['keep', 'remove', 'drop'],
  strategy: ['auto', 'in-place', 'recreate', 'associate'],
  preserve: [true, false, 'true'],
  maxDisruption: ['rolling', 'outage', 'none'],
  resolveConflicts: ['NONE', 'OVERWRITE', 'none'],
  roles: [{}, { 'ebs-csi-controller-sa': ROLE }, { 'ebs-csi-controller-sa': 'x' }, { 'A B': ROLE }],
  roleArn: [ROLE, `${ROLE}/`, 'arn:aws:iam::111122223333:role/../admin', 'arn:aws:iam::111122223333:role/..'],
  trust: ['validate', 'repair', 'add'],
  accept: [
    [],
    ...[
      'condition-key:aws:SourceIp',
      'condition-key:x',
      'condition-key:aws:a\u0000b',
      'condition-key:aws\u200e:b',
      'condition-key',
      'identity-loss:ebs-csi-node-sa',
      'identity-loss:A',
      'owner:ack',
      'owner:chef',
      'unknown-credentials:ebs-csi-controller/ebs-plugin',
      'unknown-credentials:ebs-csi-controller',
      'unknown-credentials:A/b',
      'unknown-credentials:a/b/c',
      'image:public.ecr.aws/ebs-csi-driver/aws-ebs-csi-driver:v1.20.0',
      'image:a b',
      'image:',
      'consumer:shop aws',
      'consumer:a/b/c/d',
      'consumer:',
      `target-role:${ROLE}`,
      'target-role:ebs-csi',
      'network-policy:NetworkPolicy/shop/default-deny',
      'network-policy:default-deny',
      'network-policy:NetworkPolicy/Shop/a',
      'credential-gap',
      'everything',
    ].map((entry) => [entry]),
    [
      'consumer:SecretStore/shop/aws',
      'consumer:ClusterIssuer/aws',
      'consumer:issuers.cert-manager.io',
      'consumer:system:serviceaccount:*:api',
    ],
  ],
  verification: ['injected', 'ready', 'api', 'none'],
  agent: ['require', 'install', ''],
  approval: ['none', 'required', true],
  approvalHours: [1, 168, 0, 169, 1.5],
  maxDurationMinutes: [1, 10_080, 0, 10_081],
  changeWindow: [
    { schedule: '0 22 * * SUN', durationMinutes: 60, timeZone: 'UTC' },
    { schedule: '0 22 * * SUN', durationMinutes: 14, timeZone: 'UTC' },
    { schedule: 'sundays', durationMinutes: 60, timeZone: 'UTC' },
  ],
  dryRun: [true, false, 0],
  reason: ['IRSA goes', '', 'two\nlines', 'x'.repeat(1025), 'right\u202eleft'],
  dryrun: [true],
  requestedBy: ['operator'],
};
const bodies = fc
  .record(Object.fromEntries(Object.entries(VALUES).map(([name, values]) => [name, fc.constantFrom(...values)])), {
    requiredKeys: [],
    noNullPrototype: true,
  })
  .chain((body) =>
    fc.subarray(Object.keys(body)).map((kept) => Object.fromEntries(kept.map((name) => [name, body[name as never]]))),
  );
/** Most of the others are wrong in several places. */
const nearlyRight = fc
  .tuple(
    fc.constantFrom({ addon: 'aws-ebs-csi-driver' }, { serviceAccount: { namespace: 'payments', name: 'api' } }),
    fc.oneof(
      ...Object.entries(VALUES).map(([name, values]) => fc.constantFrom(...values).map((value) => ({ [name]: value }))),
    ),
    fc.oneof(
      fc.constant({}),
      fc.constantFrom(...Object.entries(VALUES)).map(([name, [value]]) => ({ [name]: value })),
    ),
  )
  .map(([subject, one, other]) => ({ target: TARGET, ...subject, ...other, ...one }));

describe.each([
  ['PlanRequest', planBody],
  ['MigrationRequest', migrationBody],
] as const)('%s', (name, schema) => {
  const validator = validatorOf(name);
  it('takes the same in the document as in the Lambda', () => {
    const taken = new Set<boolean>();
    forAllIn(1000, fc.oneof(bodies, nearlyRight), (body) => {
      const { success } = schema.safeParse(body);
      taken.add(success);
      expect(validator.validate(body).valid).toBe(success);
    });
    expect(taken).toEqual(new Set([false, true]));
  });
  it('takes the least body', () => {
    expect(validator.validate({ target: TARGET, addon: 'vpc-cni' }).valid).toBe(true);
    expect(validator.validate({ target: TARGET, serviceAccount: { namespace: 'a', name: 'b' } }).valid).toBe(true);
    expect(validator.validate({ target: TARGET }).valid).toBe(false);
  });
  it('is of two kinds', () => expect(REQUEST_KINDS.get(schema)).toHaveLength(2));
});
