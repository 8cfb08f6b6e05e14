/** Remedies for obstacles: commands that can be pasted. */
import { WORKLOAD_KINDS } from '../kubernetes/objects.ts';
import type { Association } from '../terms/observed.ts';
import type { Target } from '../terms/subject.ts';
import { migrateCommand as migrateAddonCommand } from '../commands/pod-identity.ts';
import { shellCommand } from '../text/shell.ts';
import type { AddonFact, IdentityFacts, OwnFacts } from './facts.ts';
import type { WorkloadTally } from './tally.ts';

/** Kinds that `kubectl rollout restart` supports. Source: Kubernetes documentation, kubectl reference. */
const RESTARTABLE: ReadonlySet<string> = new Set(WORKLOAD_KINDS);

/** One workload, with the facts of its cluster. */
export interface WorkloadContext {
  facts: IdentityFacts;
  own: OwnFacts;
  workload: WorkloadTally;
  association: Association | undefined;
  addon: AddonFact | undefined;
  /** Roles that it would use through Pod Identity. */
  wanted: string[];
}

export function restartCommand({ kind, name, namespace }: WorkloadTally): string {
  if (RESTARTABLE.has(kind))
    return `Restart the pods: ${shellCommand(['kubectl', 'rollout', 'restart', `${kind.toLowerCase()}/${name}`, '--namespace', namespace])}`;
  return kind === 'Pod'
    ? 'Delete the pod and create it again.'
    : `Make ${kind} ${name} recreate its pods: only new pods get it.`;
}

export const takesAssociation = ({ podIdentity }: AddonFact, { serviceAccount }: WorkloadTally): boolean =>
  podIdentity?.includes(serviceAccount) === true;
export const migrateCommand = (target: Target, { name }: AddonFact): string => migrateAddonCommand(target, name);

/** Returns the remedy that creates an association for the add-on or the service account. */
export function associationRemedy({
  facts: { target, associations, addons },
  own,
  workload,
  addon,
  wanted: [roleArn = 'ROLE_ARN'],
}: WorkloadContext): string {
  if (addon && takesAssociation(addon, workload)) return `Migrate the add-on: ${migrateCommand(target, addon)}`;
  const { namespace, serviceAccount } = workload;
  const create = shellCommand(
    ['aws', 'eks', 'create-pod-identity-association', '--cluster-name', target.cluster, '--region', target.region],
    ['--namespace', namespace, '--service-account', serviceAccount, '--role-arn', roleArn],
  );
  if (associations === undefined || addons === undefined)
    return `Allow the add-ons and the associations to be read first. If the service account belongs to no add-on and has no association: ${create}`;
  if (addon || own.annotatedRole(workload) === undefined || !RESTARTABLE.has(workload.kind))
    return `Create an association, then restart its pods: ${create}`;
  const migrate = shellCommand([
    'pod-identity',
    'migrate-workload',
    '--cluster',
    target.cluster,
    '--region',
    target.region,
    '--namespace',
    namespace,
    '--service-account',
    serviceAccount,
    '--deployed',
  ]);
  return `Migrate it, which restarts and verifies its pods: ${migrate} ; or create the association by hand, then restart its pods: ${create}`;
}
