/** The commands that finish by hand what the service could not: exact, from the snapshot, to be pasted into a shell. */
import { isOwnedBy } from './arn.ts';
import type { Snapshot, Target } from './model.ts';

/** One word for a POSIX shell: quoted where anything in it could mean something to the shell. */
export const shellWord = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** Words in groups, an option with its value; `undefined` groups are left out. */
const command = (...groups: (string[] | undefined)[]): string => groups.flatMap((words) => words ?? []).map(shellWord).join(' ');

/** `made`: ids of associations that the migration is known to have made; they would keep new pods on Pod Identity. */
export function handOffCommands(target: Target, snapshot: Snapshot, made: string[] = []): string[] {
  const { addon } = snapshot;
  const where = ['--region', target.region, '--cluster-name', target.cluster];
  const here = [...where, '--addon-name', addon.name];
  const owned = snapshot.associations.filter((one) => isOwnedBy(one.ownerArn, target.cluster, addon.name));
  const standAlone = snapshot.associations.filter((one) => one.ownerArn === undefined);
  const create = command(
    ['aws', 'eks', 'create-addon'],
    here,
    ['--addon-version', addon.version],
    addon.serviceAccountRoleArn ? ['--service-account-role-arn', addon.serviceAccountRoleArn] : undefined,
    owned.length > 0 ? ['--pod-identity-associations', ...owned.map((one) => `serviceAccount=${one.serviceAccount},roleArn=${one.roleArn}`)] : undefined,
    addon.namespace === undefined ? undefined : ['--namespace-config', `namespace=${addon.namespace}`],
    addon.configurationValues === undefined ? undefined : ['--configuration-values', addon.configurationValues],
    Object.keys(addon.tags).length > 0 ? ['--tags', JSON.stringify(addon.tags)] : undefined,
    ['--resolve-conflicts', 'OVERWRITE'],
  );
  return [
    `# What is there now; if it is ACTIVE with ${addon.serviceAccountRoleArn ?? 'no role'}, only the associations at the end may be left to do.`,
    command(['aws', 'eks', 'describe-addon'], here),
    '# If it is there in another state, remove it first (its software keeps running):',
    command(['aws', 'eks', 'delete-addon'], here, ['--preserve']),
    command(['aws', 'eks', 'wait', 'addon-deleted'], here),
    '# Associations of the migration outlive a delete with --preserve. Look, and delete those that are not listed at the end:',
    ...snapshot.planned.map((one) =>
      command(['aws', 'eks', 'list-pod-identity-associations'], where, ['--namespace', one.namespace], ['--service-account', one.serviceAccount]),
    ),
    ...made.map((id) => command(['aws', 'eks', 'delete-pod-identity-association'], where, ['--association-id', id])),
    '# Create it as it was:',
    create,
    command(['aws', 'eks', 'wait', 'addon-active'], here),
    ...standAlone.map((one) =>
      command(['aws', 'eks', 'create-pod-identity-association'], where, ['--namespace', one.namespace], ['--service-account', one.serviceAccount], ['--role-arn', one.roleArn]),
    ),
  ];
}
