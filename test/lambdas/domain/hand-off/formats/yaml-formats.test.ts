/** What the YAML formats contain. */
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { renderHandOff } from '../../../../../lambdas/domain/hand-off/formats/index.ts';
import type { HandOff, HandOffFormat } from '../../../../../lambdas/domain/terms/hand-off.ts';
import { isPrintable } from '../../../../../lambdas/domain/text/text.ts';
import { commentsOf } from './comments.ts';
import { handOffs, hostile, MIGRATED, PLANNED, RETIRED, ROLE, ROLLED_BACK, tame, WORKLOAD } from './hand-offs.ts';
import { forAll } from '../../../../for-all.ts';

type YamlFormat = Exclude<HandOffFormat, 'terraform' | 'terraform-module'>;

/** Returns the documents, which both versions of YAML must read alike. */
function read(handOff: HandOff, format: YamlFormat): unknown[] {
  const text = renderHandOff(handOff, format);
  const [old, current] = (['1.1', '1.2'] as const).map((version) =>
    parseAllDocuments(text, { version }).map((document) => {
      expect(document.errors).toEqual([]);
      return document.toJS() as unknown;
    }),
  );
  expect(old).toEqual(current);
  return (current ?? []).filter((document) => document !== null);
}

describe('cloudformation', () => {
  it('has the add-on with its associations, and without its role', () => {
    expect(read(MIGRATED, 'cloudformation')).toEqual([
      {
        AWSTemplateFormatVersion: '2010-09-09',
        Resources: {
          AwsEbsCsiDriverAddon: {
            Type: 'AWS::EKS::Addon',
            Properties: {
              ClusterName: 'reliability-dev',
              AddonName: 'aws-ebs-csi-driver',
              PodIdentityAssociations: [
                { RoleArn: ROLE, ServiceAccount: 'ebs-csi-controller-sa' },
                { RoleArn: ROLE, ServiceAccount: 'ebs-csi-node-sa' },
              ],
            },
          },
        },
      },
    ]);
    expect(commentsOf(MIGRATED, 'cloudformation')).toMatch(
      /remove: ServiceAccountRoleArn: .*a-created for .*a-purged for .*Add this statement to AssumeRolePolicyDocument of role/,
    );
  });

  it('has a standalone association with the command that imports it', () => {
    expect(read(WORKLOAD, 'cloudformation')).toMatchObject([
      {
        Resources: {
          PaymentsApiAssociation: {
            Type: 'AWS::EKS::PodIdentityAssociation',
            DeletionPolicy: 'Retain',
            Properties: {
              ClusterName: 'reliability-dev',
              Namespace: 'payments',
              ServiceAccount: 'api',
              RoleArn: 'arn:aws:iam::111122223333:role/payments-api',
              TargetRoleArn: 'arn:aws:iam::444455556666:role/target',
              DisableSessionTags: true,
              Policy: WORKLOAD.associations[0]?.policy,
              Tags: [{ Key: 'pod-identity-migrator/migration', Value: '01JB0000000000000000000000' }],
            },
          },
        },
      },
    ]);
    const comments = commentsOf(WORKLOAD, 'cloudformation');
    expect(comments).toContain('--change-set-type IMPORT');
    const arn = 'arn:aws:eks:eu-west-1:111122223333:podidentityassociation/reliability-dev/a-standalone';
    expect(comments).toContain(`{"AssociationArn":"${arn}"}`);
  });

  it('has the former role after a rollback', () =>
    expect(read(ROLLED_BACK, 'cloudformation')).toMatchObject([
      { Resources: { AwsEbsCsiDriverAddon: { Properties: { ServiceAccountRoleArn: ROLE } } } },
    ]));

  it('is comments alone if no resource changes', () => {
    expect(read(RETIRED, 'cloudformation')).toEqual([]);
    expect(commentsOf(RETIRED, 'cloudformation')).toContain('Remove this statement from AssumeRolePolicyDocument');
  });

  it('leaves out what CloudFormation would replace, and reports it', () => {
    const [one] = WORKLOAD.associations as [HandOff['associations'][number]];
    const dynamic = { ...one, policy: '{{resolve:ssm:x}}', tags: { a: 'x{{resolve:ssm:y}}', b: 'kept' } };
    const handOff = { ...WORKLOAD, associations: [dynamic] };
    const text = JSON.stringify(read(handOff, 'cloudformation'));
    expect(text).not.toContain('resolve');
    expect(text).toContain('"Tags":[{"Key":"b","Value":"kept"}]');
    const leftOut = /payments\/api: the session policy .*payments\/api: the tag a/;
    expect(commentsOf(handOff, 'cloudformation')).toMatch(leftOut);
  });
});

describe('eksctl', () => {
  it('has the entry of the add-on', () =>
    expect(read(MIGRATED, 'eksctl')).toEqual([
      {
        apiVersion: 'eksctl.io/v1alpha5',
        kind: 'ClusterConfig',
        metadata: { name: 'reliability-dev', region: 'eu-west-1' },
        addons: [
          {
            name: 'aws-ebs-csi-driver',
            version: 'v1.40.0-eksbuild.1',
            podIdentityAssociations: ['ebs-csi-controller-sa', 'ebs-csi-node-sa'].map((serviceAccountName) => {
              return { namespace: 'kube-system', serviceAccountName, roleARN: ROLE };
            }),
          },
        ],
      },
    ]));

  it('has standalone associations in iam, and names the version that a session policy needs', () => {
    expect(read(WORKLOAD, 'eksctl')).toMatchObject([
      {
        iam: {
          podIdentityAssociations: [
            {
              namespace: 'payments',
              serviceAccountName: 'api',
              targetRoleARN: 'arn:aws:iam::444455556666:role/target',
              disableSessionTags: true,
              policy: WORKLOAD.associations[0]?.policy,
              tags: { 'pod-identity-migrator/migration': '01JB0000000000000000000000' },
            },
          ],
        },
      },
    ]);
    expect(commentsOf(WORKLOAD, 'eksctl')).toContain('policy needs eksctl 0.223.0 or newer');
    expect(commentsOf(PLANNED, 'eksctl')).not.toContain('policy needs');
  });

  it('has the former role after a rollback', () =>
    expect(read(ROLLED_BACK, 'eksctl')).toMatchObject([
      { addons: [{ name: 'aws-ebs-csi-driver', serviceAccountRoleARN: ROLE }] },
    ]));
});

describe('helm-values', () => {
  it('removes, keeps or restores the annotation', () => {
    const account = { namespace: 'payments', serviceAccount: 'api', roleArn: ROLE };
    const withAction = (action: HandOff['annotations'][number]['action']): HandOff => {
      return { ...WORKLOAD, annotations: [{ ...account, action }] };
    };
    const present = { serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': ROLE } } };
    expect(read(withAction('remove'), 'helm-values')).toEqual([{ serviceAccount: { annotations: {} } }]);
    expect(commentsOf(withAction('remove'), 'helm-values')).toContain(`remove: eks.amazonaws.com/role-arn: ${ROLE}`);
    expect(read(withAction('keep'), 'helm-values')).toEqual([present]);
    expect(read(withAction('restore'), 'helm-values')).toEqual([present]);
  });

  it('has nothing for an add-on, and says so', () => {
    expect(read(MIGRATED, 'helm-values')).toEqual([]);
    expect(commentsOf(MIGRATED, 'helm-values')).toContain('Nothing belongs in values');
    expect(commentsOf(RETIRED, 'helm-values')).toContain('no values have to change');
  });
});

describe('any hand-off', () => {
  it.each(['cloudformation', 'eksctl', 'helm-values'] as const)('is YAML of printable lines: %s', (format) =>
    forAll(handOffs(hostile, hostile), (handOff) => {
      const lines = renderHandOff(handOff, format).split('\n');
      expect(lines.filter((line) => !isPrintable(line))).toEqual([]);
      read(handOff, format);
    }),
  );

  it.each(['<<', '=', 'yes', '1:30', '~', '$\u00a0', ' a', '2026-11-28'])(
    'quotes %j, which parsers read otherwise',
    (text) => {
      const [one] = WORKLOAD.associations as [HandOff['associations'][number]];
      const handOff = { ...WORKLOAD, associations: [{ ...one, tags: { [text]: text } }] };
      const lines = renderHandOff(handOff, 'eksctl').split('\n');
      expect(lines.findLast((line) => line !== '' && !line.startsWith('#'))).toMatch(/^ {8}(["'].+["']): \1$/);
    },
  );

  it('keeps every value, whatever it contains', () =>
    forAll(handOffs(tame, hostile), (handOff) => {
      const imports = handOff.associations.filter(({ action }) => action === 'import');
      const [config] = read(handOff, 'eksctl') as [
        { iam?: { podIdentityAssociations: { policy?: string; tags?: Record<string, string> }[] } },
      ];
      expect((config.iam?.podIdentityAssociations ?? []).map(({ policy, tags }) => [policy, tags ?? {}])).toEqual(
        imports.map(({ policy, tags }) => [policy, tags]),
      );
    }));
});
