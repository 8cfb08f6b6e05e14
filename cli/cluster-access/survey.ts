/** Surveys the access on a cluster, what the service needs, and the changes for that. Changes nothing. */
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
import type { Addon } from '../../lambdas/domain/terms/observed.ts';
import type { AnnotationMode } from '../../lambdas/domain/request/request.ts';
import { type Target, type ServiceAccountRef, subjectOf } from '../../lambdas/domain/terms/subject.ts';
import type { Eks, Kubernetes } from '../../lambdas/ports/index.ts';
import { readNamespace } from '../../lambdas/use-cases/facts/addon-namespace.ts';
import { awsError } from '../deployed.ts';
import { CliError } from '../errors.ts';
import { notAllowed, notKnown, type RbacObjects } from './api-server.ts';
import { type AccessCluster, type AccessEntries, eksError } from './eks.ts';

/** Clients for a cluster, with the caller's own credentials. */
export interface AccessTools {
  entries: AccessEntries;
  eks: Eks;
  kubernetes: Kubernetes;
  rbacOf: (cluster: AccessCluster) => RbacObjects;
  /** The roles that need access. */
  roles: ServiceRoles;
}

export interface AccessWish {
  target: Target;
  /** Add-ons to migrate; if empty without service accounts, all that support EKS Pod Identity. */
  addons: readonly string[];
  /** Service accounts to migrate that belong to no add-on; `annotation` is what to do with their IRSA annotation. */
  serviceAccounts: readonly ServiceAccountRef[];
  annotation: AnnotationMode;
}

/** The workloads of one subject, and a note about it. */
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
  /** Empty if the cluster does not use access entries. */
  entries: SurveyedEntry[];
  objects: SurveyedObject[];
  /** Lines for aws-auth, if the cluster does not use access entries. */
  mapRoles?: string;
  /** Notes for the user. */
  notes: string[];
}

/** Calls EKS, and converts its errors. */
const ask = async <T>(run: () => Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (error) {
    throw eksError(error);
  }
};

/** Calls the API server, and converts its errors. `what`: the operation; `why`: its purpose. */
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
        there.length === 0 ? 'The cluster has no add-ons' : `Its add-ons: ${there.join(', ')}`,
      );
    }
  }
  return found;
};

/** Returns the workloads of a namespace that use one of the service accounts: no other is ever restarted. */
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
    'restarts are allowed only for workloads by name',
  );
  return all
    .filter(({ serviceAccount }) => accounts.includes(serviceAccount))
    .map(({ kind, name }) => ({ kind, namespace, name }));
};

const KINDS = 'Deployment, DaemonSet or StatefulSet';
const AGAIN = 'yet: run this command again once it does.';

/**
 * Returns service accounts with the add-on's role for which the add-on supports no association: a migration may create a
 * standalone one for them, and restart their pods. It does not matter whether other add-ons share the role: the name
 * label identifies the add-on's own objects.
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
    'workloads that use the role of the add-on may need a restart too',
  );
  const planned = takes.map((serviceAccount) => ({ namespace, serviceAccount, roleArn }));
  return [
    ...identityHolders({ addon, namespace, pods: [], annotated: { seen: annotated } }, planned, {
      deleted: false,
    }).keys(),
  ];
};

/** Surveys the workloads of an add-on: of service accounts that support associations, and of those with its role. */
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
      ? {
          note: `${name} ${version} supports no EKS Pod Identity associations: none of its workloads would be restarted.`,
        }
      : {};
  const namespace = await ask(() => readNamespace(eks, addon, kubernetesVersion));
  if (namespace === undefined)
    return {
      note: `${name}: its namespace is not known, so none of its workloads may be restarted. ${NAMESPACE_UNKNOWN}.`,
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

/** Maximum number of names in a hint. */
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
    `${namespace}/${name} does not exist, and the existing service accounts cannot be listed`,
  );
  const there = all.filter((one) => one.namespace === namespace).map((one) => one.name);
  const hint =
    there.length === 0
      ? `Namespace ${namespace} has no service accounts, or does not exist`
      : `Service accounts of namespace ${namespace}: ${there.slice(0, NAMES).join(', ')}${there.length > NAMES ? ` and ${there.length - NAMES} more` : ''}`;
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
    `get service account ${what}`,
    'permissions are granted only for existing service accounts',
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
 * Surveys the access. Throws a CliError for a cluster, an add-on or a service account that does not exist, and for
 * missing permissions.
 */
export const surveyAccess = async (tools: AccessTools, wish: AccessWish): Promise<Survey> => {
  const { entries: accessEntries, rbacOf, roles } = tools;
  const cluster = await accessEntries.describeCluster();
  const wanted = wantedEntries(roles);
  const surveyed = await surveyAll(tools, wish, cluster.version);
  const migrated = surveyed.flatMap(({ found }) => found ?? []);
  const notes = surveyed.flatMap(({ note }) => note ?? []);
  if (migrated.length === 0)
    notes.push('No add-on supports EKS Pod Identity: the service could read this cluster, but restart nothing.');

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
        `Without --annotation remove, the permission to change a service account's annotation is revoked: ${manifestName(manifest)} keeps no rule.`,
      );
  }
  return { cluster, entries, objects, notes, ...(takesEntries ? {} : { mapRoles: mapRolesOf(wanted) }) };
};
