/**
 * The restore commands: complete commands of the AWS CLI and kubectl. Options: AWS CLI command reference, `aws eks`.
 */
import { chosenNamespace } from '../addons/registry.ts';
import { ownTags } from '../associations/associations.ts';
import { WORKLOAD_KINDS, type WorkloadRef } from '../kubernetes/objects.ts';
import type { Association } from '../terms/observed.ts';
import type { AddonSnapshot } from '../record/migration.ts';
import type { Target } from '../terms/subject.ts';
import { missingFields } from '../rollback/associations.ts';
import { note, option, type Raw, shellCommand, type Word } from '../text/shell.ts';

/** Returns a structure in the CLI's shorthand syntax, or as JSON if a value has characters that are special there. */
const associationWords = (owned: Association[]): string[] => {
  if (owned.length === 0) return ['[]'];
  const plain = owned.every((one) => /^[\w@+./:-]+$/.test(`${one.serviceAccount}${one.roleArn}`));
  if (plain) return owned.map((one) => `serviceAccount=${one.serviceAccount},roleArn=${one.roleArn}`);
  return [JSON.stringify(owned.map(({ serviceAccount, roleArn }) => ({ serviceAccount, roleArn })))];
};

const tagWords = (tags: Record<string, string>): string[] | undefined => {
  const own = ownTags(tags);
  return Object.keys(own).length > 0 ? ['--tags', JSON.stringify(own)] : undefined;
};

const fieldWords = ({ targetRoleArn, disableSessionTags, policy }: Partial<Association>): string[] => [
  ...(targetRoleArn === undefined ? [] : ['--target-role-arn', targetRoleArn]),
  ...(disableSessionTags === undefined
    ? []
    : [disableSessionTags ? '--disable-session-tags' : '--no-disable-session-tags']),
  ...(policy === undefined ? [] : option('--policy', policy)),
];

/** The lines that restore commands can have, for one add-on of one cluster. */
export interface RestoreLines {
  create: (conflicts: 'NONE' | 'OVERWRITE', version: string) => string;
  /** Restores the role and owned associations. Without version and configuration in the request, both stay as they are. */
  update: () => string;
  delete: (preserve: boolean) => string;
  wait: (until: 'addon-active' | 'addon-deleted') => string;
  deleteAssociation: (id: string) => string;
  createAssociation: (was: Association) => string;
  /** Restores fields that an add-on request cannot have, on the association that the add-on has created for the service account. */
  fields: (was: Association) => string[];
  restart: (workload: WorkloadRef) => string;
  /** Restarts the workloads with the add-on's name label, if the workloads could not be read. */
  restartByLabel: (namespace: string) => string;
  kubeconfig: () => string;
}

export const eksCommand = (operation: string, ...groups: (Word[] | undefined)[]): string =>
  shellCommand(['aws', 'eks', operation], ...groups);
const keyOf = (one: Association): string[] => ['--namespace', one.namespace, '--service-account', one.serviceAccount];

/** Lines about associations, owned or standalone. */
export function associationLines({ region, cluster }: Target): {
  delete: (id: string) => string;
  create: (was: Association) => string;
} {
  const where = ['--region', region, '--cluster-name', cluster];
  return {
    delete: (id) => eksCommand('delete-pod-identity-association', where, ['--association-id', id]),
    create: (one) =>
      eksCommand(
        'create-pod-identity-association',
        where,
        keyOf(one),
        ['--role-arn', one.roleArn],
        fieldWords(one),
        tagWords(one.tags),
      ),
  };
}

export const restartLine = ({ namespace, kind, name }: WorkloadRef): string =>
  shellCommand(['kubectl', '-n', namespace, 'rollout', 'restart', `${kind.toLowerCase()}/${name}`]);
export const kubeconfigLine = ({ region, cluster }: Target): string =>
  eksCommand('update-kubeconfig', ['--region', region, '--name', cluster]);

/** Returns the last lines of all restore commands, which record its end, so that the subject can be migrated again. */
export const endLines = (migrationId: string): string[] => [
  note`The last line checks the result, records the end and releases the lock. Third-party changes that no line above reverts are left as they are. To restore nothing and release the lock, run this instead: pod-identity release ${migrationId} --deployed`,
  shellCommand(['pod-identity', 'rollback', migrationId, '--deployed']),
];

/** Precedes the command that deletes an association which this migration neither found nor created. */
export const foreignNote = ({ id, namespace, serviceAccount, roleArn }: Association): string =>
  note`Another principal created ${id} of ${namespace}/${serviceAccount} with ${roleArn} meanwhile; while it exists, new pods use it and not IRSA. To delete it, run the next line without the colon.`;

/** Returns a query for the ID or ARN of an association, which are not known before EKS has created it. */
const queried = (where: string[], one: Association, field: 'associationId' | 'associationArn'): Raw => ({
  raw: `"$(${eksCommand('list-pod-identity-associations', where, keyOf(one), ['--query', `associations[0].${field}`], ['--output', 'text'])})"`,
});

/** Returns an association as the add-on creates it, without the fields that an add-on request cannot have. */
const bareOf = ({ id, arn, namespace, serviceAccount, roleArn, createdAt, modifiedAt }: Association): Association => ({
  id,
  arn,
  namespace,
  serviceAccount,
  roleArn,
  tags: {},
  createdAt,
  modifiedAt,
});

function fieldLines({ region, cluster }: Target, one: Association): string[] {
  const where = ['--region', region, '--cluster-name', cluster];
  const { change, tags } = missingFields(one, bareOf(one));
  const lines: string[] = [];
  if (change) {
    const id = ['--association-id', queried(where, one, 'associationId')];
    lines.push(eksCommand('update-pod-identity-association', where, id, fieldWords(change)));
  }
  if (tags) {
    const arn = ['--resource-arn', queried(where, one, 'associationArn')];
    lines.push(eksCommand('tag-resource', ['--region', region], arn, tagWords(tags)));
  }
  return lines;
}

const labelledRestartLine = (namespace: string, addon: string): string =>
  shellCommand(
    ['kubectl', '-n', namespace, 'rollout', 'restart', WORKLOAD_KINDS.join(',').toLowerCase()],
    ['-l', `app.kubernetes.io/name=${addon}`],
  );

type AddonLines = Pick<RestoreLines, 'create' | 'update' | 'delete' | 'wait'>;

function addonLines(
  { region, cluster }: Target,
  { addon: was, defaultNamespace }: AddonSnapshot,
  owned: Association[],
): AddonLines {
  const here = ['--region', region, '--cluster-name', cluster, '--addon-name', was.name];
  const role =
    was.serviceAccountRoleArn === undefined ? undefined : ['--service-account-role-arn', was.serviceAccountRoleArn];
  const namespace = chosenNamespace(was, defaultNamespace);
  const configuration =
    was.configurationValues === undefined ? undefined : option('--configuration-values', was.configurationValues);
  return {
    create: (conflicts, version) =>
      eksCommand(
        'create-addon',
        here,
        ['--addon-version', version],
        role,
        owned.length > 0 ? ['--pod-identity-associations', ...associationWords(owned)] : undefined,
        namespace === undefined ? undefined : ['--namespace-config', `namespace=${namespace}`],
        configuration,
        tagWords(was.tags),
        ['--resolve-conflicts', conflicts],
      ),
    update: () =>
      eksCommand(
        'update-addon',
        here,
        role,
        ['--pod-identity-associations', ...associationWords(owned)],
        ['--resolve-conflicts', 'PRESERVE'],
      ),
    delete: (preserve) => eksCommand('delete-addon', here, preserve ? ['--preserve'] : undefined),
    wait: (until) => eksCommand('wait', [until], here),
  };
}

export function restoreLines(target: Target, snapshot: AddonSnapshot, owned: Association[]): RestoreLines {
  const associations = associationLines(target);
  return {
    ...addonLines(target, snapshot, owned),
    deleteAssociation: associations.delete,
    createAssociation: associations.create,
    fields: (one) => fieldLines(target, one),
    restart: restartLine,
    restartByLabel: (namespace) => labelledRestartLine(namespace, snapshot.addon.name),
    kubeconfig: () => kubeconfigLine(target),
  };
}
