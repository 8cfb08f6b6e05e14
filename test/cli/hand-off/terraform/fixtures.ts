/**
 * The Terraform directories of `fixtures/`, an archive each (txtar.ts), with the hand-off that applies to it. What the patch
 * of each is, its file `expected.txt` contains: findings, and a diff. `WRITE_FIXTURES=1` writes these files.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { CodeFile } from '../../../../cli/hand-off/terraform/model.ts';
import type { HandOff, HandOffAssociation, HandOffTrust } from '../../../../lambdas/domain/terms/hand-off.ts';
import { archiveText, filesIn } from './txtar.ts';

const FOLDER = join(import.meta.dirname, 'fixtures');
const EXPECTED = 'expected.txt';

export interface Fixture {
  name: string;
  handOff: HandOff;
  /** True if a person must do something: the exit code is 3. */
  left: boolean;
  /** True if the code is patched. */
  edited: boolean;
}

const ROLE = 'arn:aws:iam::111122223333:role/';
const OIDC = 'oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF';
const CLUSTER = 'payments-prod';

const STORAGE: Record<string, { role: string; serviceAccounts: string[] }> = {
  'aws-ebs-csi-driver': { role: `${CLUSTER}-ebs-csi`, serviceAccounts: ['ebs-csi-controller-sa'] },
  'aws-efs-csi-driver': { role: `${CLUSTER}-efs-csi`, serviceAccounts: ['efs-csi-controller-sa', 'efs-csi-node-sa'] },
  adot: { role: `${CLUSTER}-adot`, serviceAccounts: ['adot-collector'] },
};

const empty = (state: HandOff['state']): HandOff => ({
  state,
  target: { account: '111122223333', region: 'eu-central-1', cluster: CLUSTER },
  associations: [],
  trust: [],
  annotations: [],
  notInCode: [],
  order: [],
});

/** Returns the hand-off of an add-on that moved from the IRSA role of `STORAGE` to associations. */
export function migrated(addon = 'aws-ebs-csi-driver', changes: Partial<HandOff> = {}): HandOff {
  const { role, serviceAccounts } = STORAGE[addon]!;
  return {
    ...empty('migrated'),
    addon: {
      name: addon,
      version: 'v1.37.0-eksbuild.1',
      removeRoleArn: `${ROLE}${role}`,
      associations: serviceAccounts.map((serviceAccount) => ({
        namespace: 'kube-system',
        serviceAccount,
        roleArn: `${ROLE}${role}`,
      })),
    },
    associations: serviceAccounts.map((serviceAccount, index) => ({
      ...association(serviceAccount, role, 'do-not-import'),
      id: `a-0f1e2d3c4b5a6978${String(index + 8)}`,
    })),
    ...changes,
  };
}

function association(
  serviceAccount: string,
  role: string,
  action: HandOffAssociation['action'],
  namespace = 'kube-system',
): HandOffAssociation {
  return { namespace, serviceAccount, roleArn: `${ROLE}${role}`, action, tags: {} };
}

/** The same with a role of its own for Pod Identity. */
function replaced(): HandOff {
  const handOff = migrated();
  return { ...handOff, addon: { ...handOff.addon!, removeRoleArn: `${ROLE}${CLUSTER}-ebs-csi-irsa` } };
}

function rolledBack(addon = 'aws-ebs-csi-driver'): HandOff {
  const { role } = STORAGE[addon]!;
  return { ...empty('rolled-back'), addon: { name: addon, addRoleArn: `${ROLE}${role}`, associations: [] } };
}

/** Rolled back to an add-on that had the role and associations. */
function rolledBackToBoth(): HandOff {
  const handOff = rolledBack();
  return { ...handOff, addon: { ...handOff.addon!, associations: migrated().addon!.associations } };
}

const POD_IDENTITY = {
  Sid: 'AllowEksAuthToAssumeRoleForPodIdentity',
  Effect: 'Allow',
  Principal: { Service: 'pods.eks.amazonaws.com' },
  Action: ['sts:AssumeRole', 'sts:TagSession'],
};
const RESTRICTED = {
  ...POD_IDENTITY,
  Condition: {
    StringEquals: {
      'aws:RequestTag/kubernetes-namespace': 'kube-system',
      'aws:RequestTag/kubernetes-service-account': 'ebs-csi-controller-sa',
    },
    ArnEquals: { 'aws:SourceArn': `arn:aws:eks:eu-central-1:111122223333:cluster/${CLUSTER}` },
  },
};
const IRSA = {
  Effect: 'Allow',
  Principal: { Federated: `arn:aws:iam::111122223333:oidc-provider/${OIDC}` },
  Action: 'sts:AssumeRoleWithWebIdentity',
  Condition: { StringEquals: { [`${OIDC}:sub`]: 'system:serviceaccount:kube-system:ebs-csi-controller-sa' } },
};

const trust = (action: HandOffTrust['action'], statement: HandOffTrust['statement'] = POD_IDENTITY): HandOffTrust[] => [
  { roleArn: `${ROLE}${CLUSTER}-ebs-csi`, action, statement },
];
const repaired = (statement?: HandOffTrust['statement']): HandOff =>
  migrated('aws-ebs-csi-driver', { trust: trust('add', statement) });
/** The role's trust policy alone. */
const repairedOnly = (statement?: HandOffTrust['statement']): HandOff => ({
  ...empty('migrated'),
  trust: trust('add', statement),
});
/** Rolled back, with the statement that the migration had added. */
const unrepaired = (): HandOff => ({ ...empty('rolled-back'), trust: trust('remove', RESTRICTED) });
const retired = (): HandOff => ({ ...empty('retired'), trust: trust('remove', IRSA) });

const purged = (): HandOff => {
  const handOff = migrated();
  return {
    ...handOff,
    associations: [
      ...handOff.associations,
      { ...association('ebs-csi-controller-sa', `${CLUSTER}-ebs-csi`, 'remove'), id: 'a-99887766554433221' },
    ],
  };
};

/** Rolled back, with the association that the migration had deleted. */
const restored = (): HandOff => ({
  ...empty('rolled-back'),
  associations: [
    { ...association('ebs-csi-controller-sa', `${CLUSTER}-ebs-csi`, 'import'), id: 'a-5a5b5c5d5e5f60617' },
  ],
});

/** A workload that moved to a standalone association. */
function workload(annotation: 'remove' | 'keep'): HandOff {
  return {
    ...empty('migrated'),
    serviceAccount: { namespace: 'payments', name: 'api' },
    associations: [
      {
        ...association('api', `${CLUSTER}-api`, 'import', 'payments'),
        id: 'a-1a2b3c4d5e6f70819',
        tags: { 'pod-identity-migrator/migration': '01J9Z8Y7X6W5V4U3T2S1R0Q9P8' },
      },
    ],
    annotations: [
      { namespace: 'payments', serviceAccount: 'api', roleArn: `${ROLE}${CLUSTER}-api`, action: annotation },
    ],
  };
}
/** The annotation alone. */
const annotated = (action: 'remove' | 'keep' | 'restore'): HandOff => ({
  ...empty('migrated'),
  annotations: [{ namespace: 'payments', serviceAccount: 'api', roleArn: `${ROLE}${CLUSTER}-api`, action }],
});

/** `edit`: the code is patched. `left`: a person must do the rest. */
const fixture = (name: string, result: 'edit' | 'edit-left' | 'left' | 'as-is', handOff = migrated()): Fixture => ({
  name,
  handOff,
  edited: result.startsWith('edit'),
  left: result.endsWith('left'),
});

export const FIXTURES: Fixture[] = [
  fixture('resource-plain', 'edit'),
  fixture('resource-comments', 'edit'),
  fixture('resource-heredoc', 'edit', migrated('adot')),
  fixture('resource-aligned', 'edit'),
  fixture('resource-one-line-blocks', 'edit'),
  fixture('resource-tabs', 'edit'),
  fixture('resource-count', 'edit'),
  fixture('resource-for-each', 'left'),
  fixture('resource-for-each-map', 'left'),
  fixture('resource-dynamic', 'left'),
  fixture('resource-conditional-role', 'left'),
  fixture('role-reference', 'edit'),
  fixture('role-data-source', 'edit'),
  fixture('role-replaced', 'edit', replaced()),
  fixture('irsa-submodule', 'edit'),
  fixture('locals-and-variables', 'edit'),
  fixture('variables-file', 'edit'),
  fixture('several-clusters', 'edit'),
  fixture('several-addons', 'edit', migrated('aws-efs-csi-driver')),
  fixture('two-candidates', 'left'),
  fixture('two-definitions', 'left'),
  fixture('already-done', 'as-is'),
  fixture('done-without-block', 'edit'),
  fixture('done-role-kept', 'edit'),
  fixture('done-one-missing', 'edit', migrated('aws-efs-csi-driver')),
  fixture('rolled-back', 'edit', rolledBack()),
  fixture('ignore-changes', 'left'),
  fixture('provider-too-old', 'edit-left'),
  fixture('provider-any-5', 'edit'),
  fixture('lock-file-too-old', 'edit-left'),
  fixture('windows-line-ends', 'edit', migrated('aws-efs-csi-driver')),
  fixture('byte-order-mark', 'edit'),
  fixture('no-final-newline', 'edit'),
  fixture('syntax-error', 'left'),
  fixture('empty-directory', 'left'),

  fixture('module-v20', 'edit'),
  fixture('module-v21', 'edit'),
  fixture('module-v19', 'left'),
  fixture('module-v20-too-old', 'left'),
  fixture('module-git-source', 'edit', migrated('aws-efs-csi-driver')),
  fixture('module-nested-comments', 'edit'),
  fixture('module-windows-line-ends', 'edit'),
  fixture('module-one-line', 'edit'),
  fixture('module-local-addons', 'edit'),
  fixture('module-shared-local', 'left'),
  fixture('module-merge', 'left'),
  fixture('module-variable-addons', 'left'),
  fixture('module-entry-expression', 'left'),
  fixture('module-for-each', 'left'),
  fixture('module-already-done', 'as-is', migrated('aws-efs-csi-driver')),
  fixture('module-one-missing', 'edit', migrated('aws-efs-csi-driver')),
  fixture('module-rolled-back', 'edit', rolledBack()),
  fixture('module-role-and-associations', 'edit', rolledBackToBoth()),
  fixture('module-role-and-associations-one-line', 'edit', rolledBackToBoth()),
  fixture('blueprints-addons', 'left'),
  fixture('cloudposse', 'edit'),

  fixture('owned-imported', 'edit'),
  fixture('purged-association', 'edit', purged()),
  fixture('purged-association-referenced', 'left', purged()),
  fixture('purged-association-for-each', 'left', purged()),
  fixture('restored-association', 'edit', restored()),
  fixture('restored-association-with-import', 'as-is', restored()),
  fixture('workload-without-import', 'edit', workload('keep')),
  fixture('workload-with-import', 'as-is', workload('keep')),
  fixture('workload-resource-only', 'edit', workload('keep')),
  fixture('workload-elsewhere', 'left', workload('keep')),

  fixture('trust-document', 'edit', repaired()),
  fixture('trust-document-broader', 'left', repaired(RESTRICTED)),
  fixture('trust-document-shared', 'left', repairedOnly()),
  fixture('trust-jsonencode', 'edit', repairedOnly(RESTRICTED)),
  fixture('trust-jsonencode-one-line', 'edit', repairedOnly()),
  fixture('trust-heredoc', 'left', repairedOnly()),
  fixture('trust-heredoc-as-is', 'as-is', repairedOnly()),
  fixture('trust-file', 'left', repairedOnly()),
  fixture('trust-file-as-is', 'as-is', repairedOnly()),
  fixture('trust-file-without', 'left', repairedOnly()),
  fixture('trust-elsewhere', 'edit', repaired()),
  fixture('trust-rolled-back', 'edit', unrepaired()),
  fixture('trust-rolled-back-as-is', 'as-is', unrepaired()),
  fixture('trust-rolled-back-other-conditions', 'left', unrepaired()),
  fixture('trust-retired-document', 'edit', retired()),
  fixture('trust-retired-references', 'left', retired()),
  fixture('trust-retired-as-is', 'as-is', retired()),

  fixture('annotation-removed', 'edit', annotated('remove')),
  fixture('annotation-only-one', 'edit', annotated('remove')),
  fixture('annotation-kept', 'as-is', annotated('keep')),
  fixture('annotation-helm-set', 'left', annotated('remove')),
  fixture('annotation-helm-values', 'left', annotated('remove')),

  fixture('json-resource', 'edit'),
  fixture('json-resource-tabs', 'edit', migrated('aws-efs-csi-driver')),
  fixture('json-module', 'edit'),
  fixture('json-windows-line-ends', 'edit'),
  fixture('json-association', 'edit', { ...purged(), addon: undefined }),
  fixture('json-syntax-error', 'left'),
];

/** Names of the archives. */
export const ARCHIVES: readonly string[] = readdirSync(FOLDER).map((file) => basename(file, '.txtar'));

const archiveOf = (name: string): string => join(FOLDER, `${name}.txtar`);
const allOf = (name: string): CodeFile[] => filesIn(readFileSync(archiveOf(name), 'utf8'));
const isExpected = ({ path }: CodeFile): boolean => path === EXPECTED;

/** Returns the code of a fixture, in the order of the paths. */
export const filesOf = (name: string): CodeFile[] =>
  allOf(name)
    .filter((file) => !isExpected(file))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));

/** Returns what the patch of a fixture must be. */
export const expectedOf = (name: string): string => allOf(name).find(isExpected)?.text ?? '';

/** Writes what the patch of a fixture is. */
export const writeExpected = (name: string, text: string): void =>
  writeFileSync(archiveOf(name), archiveText([...filesOf(name), { path: EXPECTED, text }]));
