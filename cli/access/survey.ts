/**
 * What access there is on a cluster, what the service needs, and what would have to be changed for it. Nothing is
 * changed here.
 */
import {
  type EntryChange,
  entryChange,
  mapRolesOf,
  type ServiceRoles,
  takesAccessEntries,
  wantedEntries,
} from '../../lambdas/domain/access/entries.ts';
import {
  type AccessManifest,
  accessManifests,
  type ManifestChange,
  manifestChange,
  manifestName,
  type MigratedWorkloads,
  withdrawnRole,
} from '../../lambdas/domain/access/manifests.ts';
import { NAMESPACE_UNKNOWN } from '../../lambdas/domain/addons/registry.ts';
import { isMigrationError } from '../../lambdas/domain/failures/errors.ts';
import { identityHolders } from '../../lambdas/domain/plan/identity-loss.ts';
import type { WorkloadRef } from '../../lambdas/domain/kubernetes/objects.ts';
import type { Addon, AnnotationMode, Target } from '../../lambdas/domain/migration/model.ts';
import { type ServiceAccountRef, subjectOf } from '../../lambdas/domain/migration/subject.ts';
import type { Eks, Kubernetes } from '../../lambdas/ports/index.ts';
import { readNamespace } from '../../lambdas/use-cases/facts/addon-namespace.ts';
import { awsError } from '../deployed.ts';
import { CliError } from '../errors.ts';
import { notAllowed, notKnown, type RbacObjects } from './api-server.ts';
import { type AccessCluster, type AccessEntries, eksError } from './eks.ts';

/** A cluster, by the caller's own credentials. */
export interface AccessTools {
  entries: AccessEntries;
  eks: Eks;
  kubernetes: Kubernetes;
  rbacOf: (cluster: AccessCluster) => RbacObjects;
  /** The roles that shall have access. */
  roles: ServiceRoles;
}

export interface AccessWish {
  target: Target;
  /** Add-ons that shall be migrated; empty, and no service accounts either: all that take EKS Pod Identity. */
  addons: readonly string[];
  /** Service accounts that are no add-on's, and what shall become of their IRSA annotation. */
  serviceAccounts: readonly ServiceAccountRef[];
  annotation: AnnotationMode;
}

/** What one of them may need, and what else there is to know of it. */
interface Surveyed {
  found?: MigratedWorkloads;
  note?: string;
}

export interface SurveyedEntry {
  principalArn: string;
  change: EntryChange;
}
export interface SurveyedObject extends AccessManifest {
  change: ManifestChange;
}
export interface Survey {
  cluster: AccessCluster;
  /** Empty where the cluster takes none. */
  entries: SurveyedEntry[];
  objects: SurveyedObject[];
  /** Lines for aws-auth, where the cluster takes no access entries. */
  mapRoles?: string;
  /** What else there is to know. */
  notes: string[];
}

/** What EKS answers by the port. */
const ask = async <T>(run: () => Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (error) {
    throw eksError(error);
  }
};

/** What the API server answers. `why`: what it is needed for. */
const look = async <T>(run: () => Promise<T>, cluster: string, what: string, why: string): Promise<T> => {
  try {
    return await run();
  } catch (error) {
    if (isMigrationError(error, 'Unauthorised')) throw notKnown(cluster, { cause: error });
    if (isMigrationError(error, 'AccessDenied')) throw notAllowed(cluster, what, why, { cause: error });
    throw awsError(error);
  }
};

const installed = async (eks: Eks, { target, addons, serviceAccounts }: AccessWish): Promise<Addon[]> => {
  if (addons.length === 0 && serviceAccounts.length > 0) return [];
  const names = addons.length === 0 ? await ask(() => eks.listAddons()) : [...new Set(addons)];
  const found: Addon[] = [];
  for (const name of names) {
    const addon = await ask(() => eks.describeAddon(name));
    if (addon) found.push(addon);
    else if (addons.length > 0) {
      const there = await ask(() => eks.listAddons());
      throw new CliError(
        'UnknownAddon',
        `cluster ${target.cluster} has no add-on ${name}`,
        there.length === 0 ? 'It has none at all' : `Its add-ons: ${there.join(', ')}`,
      );
    }
  }
  return found;
};

/** Those of a namespace that run with one of the service accounts: no other is ever restarted. */
const workloadsIn = async (
  kubernetes: Kubernetes,
  namespace: string,
  accounts: readonly string[],
  cluster: string,
): Promise<WorkloadRef[]> => {
  const all = await look(
    () => kubernetes.listWorkloads(namespace),
    cluster,
    `list the workloads of namespace ${namespace}`,
    'its names are needed, so that restarts are allowed of them alone',
  );
  return all
    .filter(({ serviceAccount }) => accounts.includes(serviceAccount))
    .map(({ kind, name }) => ({ kind, namespace, name }));
};

const KINDS = 'Deployment, DaemonSet or StatefulSet';
const AGAIN = 'yet: run this again once it has.';

/**
 * Service accounts of the add-on that have its role, and for which it takes no association: a migration may give them a
 * standalone one, and restart their pods. Whether other add-ons share the role is not asked: the name that its objects
 * carry tells which are its own.
 */
const holdersOf = async (
  addon: Addon,
  namespace: string,
  takes: readonly string[],
  kubernetes: Kubernetes,
  cluster: string,
): Promise<string[]> => {
  const roleArn = addon.serviceAccountRoleArn;
  if (roleArn === undefined) return [];
  const annotated = await look(
    () => kubernetes.listAttributedServiceAccounts(namespace),
    cluster,
    `list the service accounts of namespace ${namespace}`,
    'those that have the role of the add-on may have to be restarted too',
  );
  const planned = takes.map((serviceAccount) => ({ namespace, serviceAccount, roleArn }));
  return [
    ...identityHolders({ addon, namespace, pods: [], annotated: { seen: annotated } }, planned, {
      deleted: false,
    }).keys(),
  ];
};

/** Of the service accounts that take associations, and of those that have the role of the add-on. */
const surveyAddon = async (
  addon: Addon,
  { eks, kubernetes }: AccessTools,
  { target, addons }: AccessWish,
  kubernetesVersion: string,
): Promise<Surveyed> => {
  const { name, version } = addon;
  const named = addons.length > 0;
  const takes =
    (await ask(() => eks.describeConfiguration(name, version)))?.podIdentity.map(
      ({ serviceAccount }) => serviceAccount,
    ) ?? [];
  if (takes.length === 0)
    return named
      ? { note: `${name} ${version} takes no EKS Pod Identity associations: nothing of it would be restarted.` }
      : {};
  const namespace = await ask(() => readNamespace(eks, addon, kubernetesVersion));
  if (namespace === undefined)
    return {
      note: `${name}: which namespace it runs in is not known, and so nothing of it may be restarted. ${NAMESPACE_UNKNOWN}.`,
    };
  const taking = await workloadsIn(kubernetes, namespace, takes, target.cluster);
  const holders = await holdersOf(addon, namespace, takes, kubernetes, target.cluster);
  const workloads =
    holders.length === 0 ? taking : await workloadsIn(kubernetes, namespace, [...takes, ...holders], target.cluster);
  const found = { addon: name, namespace, workloads };
  return workloads.length > 0
    ? { found }
    : { found, note: `${name} has no ${KINDS} for ${takes.join(', ')} in ${namespace} ${AGAIN}` };
};

/** How many names a hint repeats. */
const NAMES = 20;

const unknownAccount = async (
  { namespace, name }: ServiceAccountRef,
  kubernetes: Kubernetes,
  cluster: string,
): Promise<CliError> => {
  const all = await look(
    () => kubernetes.listServiceAccounts(),
    cluster,
    'list the service accounts of all namespaces',
    `there is no ${namespace}/${name}, and so it can't be said which there are`,
  );
  const there = all.filter((one) => one.namespace === namespace).map((one) => one.name);
  const hint =
    there.length === 0
      ? `Namespace ${namespace} has none, or is not there`
      : `Those of namespace ${namespace}: ${there.slice(0, NAMES).join(', ')}${there.length > NAMES ? ` and ${there.length - NAMES} more` : ''}`;
  return new CliError('UnknownServiceAccount', `cluster ${cluster} has no service account ${namespace}/${name}`, hint);
};

const surveyAccount = async (
  serviceAccount: ServiceAccountRef,
  { kubernetes }: AccessTools,
  { target: { cluster }, annotation }: AccessWish,
): Promise<Surveyed> => {
  const { namespace, name } = serviceAccount;
  const what = subjectOf({ serviceAccount });
  const there = await look(
    () => kubernetes.getServiceAccount(namespace, name),
    cluster,
    `look at service account ${what}`,
    'a right is given only for one that is there',
  );
  if (!there) throw await unknownAccount(serviceAccount, kubernetes, cluster);
  const workloads = await workloadsIn(kubernetes, namespace, [name], cluster);
  const found = { serviceAccount, annotation, workloads };
  return workloads.length > 0 ? { found } : { found, note: `Service account ${what} has no ${KINDS} ${AGAIN}` };
};

const surveyAll = async (tools: AccessTools, wish: AccessWish, kubernetesVersion: string): Promise<Surveyed[]> => {
  const surveyed: Surveyed[] = [];
  for (const addon of await installed(tools.eks, wish))
    surveyed.push(await surveyAddon(addon, tools, wish, kubernetesVersion));
  const accounts = new Map(
    wish.serviceAccounts.map((serviceAccount) => [subjectOf({ serviceAccount }), serviceAccount]),
  );
  for (const serviceAccount of accounts.values()) surveyed.push(await surveyAccount(serviceAccount, tools, wish));
  return surveyed;
};

/**
 * Throws a CliError for a cluster, an add-on or a service account that is not there, and for what these credentials may
 * not read.
 */
export const surveyAccess = async (tools: AccessTools, wish: AccessWish): Promise<Survey> => {
  const { entries: accessEntries, rbacOf, roles } = tools;
  const cluster = await accessEntries.describeCluster();
  const wanted = wantedEntries(roles);
  const surveyed = await surveyAll(tools, wish, cluster.version);
  const migrated = surveyed.flatMap(({ found }) => found ?? []);
  const notes = surveyed.flatMap(({ note }) => note ?? []);
  if (migrated.length === 0)
    notes.push('No add-on takes EKS Pod Identity: the service could look at this cluster, and restart nothing.');

  const takesEntries = takesAccessEntries(cluster.authenticationMode);
  const entries: SurveyedEntry[] = [];
  for (const entry of takesEntries ? wanted : [])
    entries.push({
      principalArn: entry.principalArn,
      change: entryChange(entry, await accessEntries.describe(entry.principalArn)),
    });

  const rbac = rbacOf(cluster);
  const objects: SurveyedObject[] = [];
  for (const one of accessManifests(migrated))
    objects.push({ ...one, change: manifestChange(one.manifest, await rbac.get(one.manifest)) });
  for (const manifest of migrated.flatMap((one) => withdrawnRole(one) ?? [])) {
    const found = await rbac.get(manifest);
    if (found === undefined) continue;
    const change = manifestChange(manifest, found);
    objects.push({ manifest, reasons: [], change });
    if (change.do === 'update')
      notes.push(
        `Without --annotation remove the right to a service account's annotation is taken away: ${manifestName(manifest)} keeps no rule.`,
      );
  }
  return { cluster, entries, objects, notes, ...(takesEntries ? {} : { mapRoles: mapRolesOf(wanted) }) };
};
