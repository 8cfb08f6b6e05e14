/** What access there is on a cluster, what the service needs, and what would have to be changed for it. Nothing is changed here. */
import { type EntryChange, entryChange, mapRolesOf, type ServiceRoles, takesAccessEntries, wantedEntries } from '../../lambdas/domain/access/entries.ts';
import { type AccessManifest, accessManifests, type AddonWorkloads, type ManifestChange, manifestChange } from '../../lambdas/domain/access/manifests.ts';
import { knownAddon } from '../../lambdas/domain/addons.ts';
import { isMigrationError } from '../../lambdas/domain/errors.ts';
import type { Addon, Target } from '../../lambdas/domain/model.ts';
import type { Eks, Kubernetes } from '../../lambdas/ports/index.ts';
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
  /** Add-ons that shall be migrated; empty: all that take EKS Pod Identity. */
  addons: string[];
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

const installed = async (eks: Eks, { target, addons }: AccessWish): Promise<Addon[]> => {
  const names = addons.length === 0 ? await ask(() => eks.listAddons()) : [...new Set(addons)];
  const found: Addon[] = [];
  for (const name of names) {
    const addon = await ask(() => eks.describeAddon(name));
    if (addon) found.push(addon);
    else if (addons.length > 0) {
      const there = await ask(() => eks.listAddons());
      throw new CliError('UnknownAddon', `cluster ${target.cluster} has no add-on ${name}`, there.length === 0 ? 'It has none at all' : `Its add-ons: ${there.join(', ')}`);
    }
  }
  return found;
};

const workloadsIn = async (kubernetes: Kubernetes, namespace: string, cluster: string): Promise<Awaited<ReturnType<Kubernetes['listWorkloads']>>> => {
  try {
    return await kubernetes.listWorkloads(namespace);
  } catch (error) {
    if (isMigrationError(error, 'Unauthorised')) throw notKnown(cluster, { cause: error });
    if (isMigrationError(error, 'AccessDenied')) throw notAllowed(cluster, `list the workloads of namespace ${namespace}`, 'its names are needed, so that restarts are allowed of them alone', { cause: error });
    throw awsError(error);
  }
};

/** The workloads of the service accounts that take associations: no other is ever restarted. */
const workloadsOf = async (addon: Addon, { eks, kubernetes }: AccessTools, { target, addons }: AccessWish): Promise<{ found?: AddonWorkloads; note?: string }> => {
  const { name, version } = addon;
  const named = addons.length > 0;
  const takes = (await ask(() => eks.describeConfiguration(name, version)))?.podIdentity.map(({ serviceAccount }) => serviceAccount) ?? [];
  if (takes.length === 0) return named ? { note: `${name} ${version} takes no EKS Pod Identity associations: nothing of it would be restarted.` } : {};
  const namespace = addon.namespace ?? knownAddon(name)?.namespace ?? 'kube-system';
  const workloads = (await workloadsIn(kubernetes, namespace, target.cluster)).filter(({ serviceAccount }) => takes.includes(serviceAccount)).map(({ kind, name: workload }) => ({ kind, namespace, name: workload }));
  const found = { addon: name, namespace, workloads };
  return workloads.length > 0 ? { found } : { found, note: `${name} has no Deployment, DaemonSet or StatefulSet for ${takes.join(', ')} in ${namespace} yet: run this again once it has.` };
};

/** Throws a CliError for a cluster or an add-on that is not there, and for what these credentials may not read. */
export const surveyAccess = async (tools: AccessTools, wish: AccessWish): Promise<Survey> => {
  const { entries: accessEntries, rbacOf, roles } = tools;
  const cluster = await accessEntries.describeCluster();
  const wanted = wantedEntries(roles);
  const notes: string[] = [];
  const addons: AddonWorkloads[] = [];
  for (const addon of await installed(tools.eks, wish)) {
    const { found, note } = await workloadsOf(addon, tools, wish);
    if (found) addons.push(found);
    if (note !== undefined) notes.push(note);
  }
  if (addons.length === 0) notes.push('No add-on takes EKS Pod Identity: the service could look at this cluster, and restart nothing.');

  const takesEntries = takesAccessEntries(cluster.authenticationMode);
  const entries: SurveyedEntry[] = [];
  for (const entry of takesEntries ? wanted : []) entries.push({ principalArn: entry.principalArn, change: entryChange(entry, await accessEntries.describe(entry.principalArn)) });

  const rbac = rbacOf(cluster);
  const objects: SurveyedObject[] = [];
  for (const one of accessManifests(addons)) objects.push({ ...one, change: manifestChange(one.manifest, await rbac.get(one.manifest)) });
  return { cluster, entries, objects, notes, ...(takesEntries ? {} : { mapRoles: mapRolesOf(wanted) }) };
};
