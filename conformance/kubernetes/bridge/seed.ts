/**
 * Brings the objects of a scenario to an empty real cluster, and waits until its controllers have rolled them out: the
 * pods get what the webhook had given them, and the ages that the scenario has.
 */
import type { ControlPlane, KubeObject as PlaneObject } from '../plane/options.ts';
import { HELD } from '../plane/stages.ts';
import { parseField } from '../../../sandbox/kubernetes/field-paths.ts';
import type { FieldSet } from '../../../sandbox/objects/field-sets.ts';
import { operationOf } from '../../../sandbox/kubernetes/manifest-fields.ts';
import { POD_IDENTITY_WEBHOOK, podIdentityWebhook } from '../../../sandbox/kubernetes/cluster-objects.ts';
import { infoOf } from '../../../sandbox/kubernetes/custom-resources.ts';
import { isNodeReady } from '../../../sandbox/world/nodes.ts';
import type { Kind, KubeObject, Workload } from '../../../sandbox/objects/objects.ts';
import { isActive, isReady, podsOf } from '../../../sandbox/kubernetes/pods.ts';
import { ROLE_ANNOTATION } from '../../../sandbox/kubernetes/webhook.ts';
import { apiVersionOf, getObject, KINDS } from '../../../sandbox/objects/store.ts';
import type { ForeignField, ClusterState, World } from '../../../sandbox/world/world.ts';
import { workloadManifest } from './addons.ts';
import type { Mirror } from './mirror.ts';
import type { Past } from './past.ts';
import type { Times } from './times.ts';
import type { Work } from './work.ts';
import type { Manifest, Writer } from './writer.ts';

export interface SeedOptions {
  world: World;
  cluster: ClusterState;
  plane: ControlPlane;
  writer: Writer;
  mirror: Mirror;
  work: Work;
  times: Times;
  past: Past;
  /** Where the API server reaches the bridge's webhook. */
  mutating: { url: string; ca: string };
}

/** Field manager of what nothing is known of. */
const UNKNOWN = 'kubectl-create';
const LONGEST_SETTLING_MS = 120_000;

/** Returns an object as a client would create it: without what the API server sets. */
const manifestFrom = ({ apiVersion, kind, metadata, status: _status, ...rest }: KubeObject): Manifest => {
  const { name, namespace, labels, annotations } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
    },
    ...rest,
  };
};

/** Returns a part of an object that has only the value at a field. */
export const partialOf = (set: FieldSet, value: unknown): unknown => {
  const entries = Object.entries(set).filter(([element]) => element !== '.');
  if (entries.length === 0) return value;
  const [first = ''] = entries.map(([element]) => element);
  if (first.startsWith('k:'))
    return entries.map(([element, part]) => ({
      ...(JSON.parse(element.slice(2)) as object),
      ...(partialOf(part, value) as object),
    }));
  return Object.fromEntries(entries.map(([element, part]) => [element.slice(2), partialOf(part, value)]));
};

/** Returns the value at a field of an object. */
const valueAt = (object: unknown, set: FieldSet): unknown => {
  const [entry] = Object.entries(set).filter(([element]) => element !== '.');
  if (!entry) return object;
  const [element, part] = entry;
  if (element.startsWith('f:'))
    return valueAt((object as Record<string, unknown> | undefined)?.[element.slice(2)], part);
  const keys = Object.entries(JSON.parse(element.slice(2)) as object);
  const items = Array.isArray(object) ? (object as Record<string, unknown>[]) : [];
  return valueAt(
    items.find((item) => keys.every(([key, value]) => item[key] === value)),
    part,
  );
};

export class Seed {
  private readonly options: SeedOptions;
  private readonly pauses: (() => Promise<unknown>)[] = [];

  constructor(options: SeedOptions) {
    this.options = options;
  }

  async run(): Promise<void> {
    const { mirror, past, writer, cluster } = this.options;
    const kinds = [...cluster.kube.customKinds.values()];
    await Promise.all(kinds.map((kind) => writer.define(kind)));
    await mirror.open();
    await Promise.all(kinds.map((kind) => mirror.watchCustom(kind)));
    await this.nodes();
    await this.createAll('Namespace');
    await this.accounts();
    await this.webhook();
    for (const kind of ['ClusterRole', 'Role', 'ClusterRoleBinding', 'RoleBinding'] as const)
      await this.createAll(kind);
    await this.volumes();
    for (const kind of ['PersistentVolumeClaim', 'NetworkPolicy', 'PodDisruptionBudget'] as const)
      await this.createAll(kind);
    for (const kind of kinds)
      for (const object of past.custom(kind)) {
        const manifest = { ...manifestFrom(object), apiVersion: apiVersionOf(infoOf(kind)) };
        await writer.create(manifest, UNKNOWN, kind);
      }
    for (const kind of ['DaemonSet', 'Deployment', 'StatefulSet'] as const)
      for (const workload of past.all(kind)) await this.workload(workload);
    await this.settled();
    for (const pause of this.pauses) await pause();
    await this.webhookNow();
  }

  private async createAll(kind: Kind): Promise<void> {
    const { past, writer } = this.options;
    await Promise.all(past.all(kind).map((object) => writer.create(manifestFrom(object), UNKNOWN)));
  }

  /** Creates the volumes, which name their claims before these have a uid: the controller binds both. */
  private async volumes(): Promise<void> {
    const { past, writer } = this.options;
    for (const volume of past.all('PersistentVolume')) {
      const manifest = manifestFrom(volume);
      const { claimRef, ...spec } = volume.spec;
      const { uid: _, ...claim } = claimRef ?? { uid: '' };
      await writer.create({ ...manifest, spec: claimRef ? { ...spec, claimRef: claim } : spec }, UNKNOWN);
    }
  }

  private async nodes(): Promise<void> {
    const { past, plane, mirror } = this.options;
    const nodes = past.all('Node').map((node): PlaneObject => {
      const manifest = manifestFrom(node);
      const annotations = { ...manifest.metadata.annotations, ...(isNodeReady(node) ? {} : { [HELD]: 'true' }) };
      return { ...manifest, metadata: { ...manifest.metadata, annotations }, status: node.status };
    });
    if (nodes.length > 0) await plane.addNodes(nodes);
    await mirror.until(() => nodes.every(({ metadata }) => mirror.find(KINDS.Node, undefined, metadata.name)), 'nodes');
  }

  /** Creates the service accounts, each part of them as the manager that the scenario names. */
  private async accounts(): Promise<void> {
    const { past, mirror } = this.options;
    for (const account of past.all('ServiceAccount')) {
      const { namespace, name } = account.metadata;
      // The controllers create the default ones.
      if (name === 'default')
        await mirror.until(() => !!mirror.find(KINDS.ServiceAccount, namespace, name), `account ${namespace}/${name}`);
      const manifest = manifestFrom(account);
      const { [ROLE_ANNOTATION]: role, ...others } = manifest.metadata.annotations ?? {};
      const { annotator, applier = annotator ?? UNKNOWN } = past.managersOf(account);
      const isAnothers = role !== undefined && annotator !== undefined && annotator !== applier;
      // An object that is created without any field of its own never gets managed fields by updates alone, so that
      // everything that one manager wrote is written at once.
      const first = isAnothers ? { ...manifest.metadata, annotations: others } : manifest.metadata;
      await this.writeAs(applier, { ...manifest, metadata: first });
      if (isAnothers)
        await this.writeAs(annotator, {
          ...manifest,
          metadata: {
            ...(namespace === undefined ? {} : { namespace }),
            name,
            annotations: { [ROLE_ANNOTATION]: role },
          },
        });
    }
  }

  /** Creates or changes an object as that manager does. */
  private async writeAs(manager: string, manifest: Manifest): Promise<void> {
    const { writer } = this.options;
    if (operationOf(manager) === 'Apply') return writer.apply(manifest, manager, { force: true });
    await writer.create(manifest, manager);
    await writer.patch(manifest, manager);
  }

  private async webhook(): Promise<void> {
    const { writer, mutating } = this.options;
    const manifest: Manifest = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: POD_IDENTITY_WEBHOOK },
      webhooks: [podIdentityWebhook(mutating)],
    };
    await writer.apply(manifest, 'eks');
  }

  /** Changes the webhook to what the scenario has: the pods of before were created with it. */
  private async webhookNow(): Promise<void> {
    const { writer, past } = this.options;
    const wanted = past.all('MutatingWebhookConfiguration')[0];
    if (!wanted) return writer.remove(KINDS.MutatingWebhookConfiguration, undefined, 'pod-identity-webhook');
    const [{ failurePolicy = 'Ignore' } = {}] = (wanted['webhooks'] ?? []) as { failurePolicy?: string }[];
    if (failurePolicy === 'Ignore') return;
    await writer.patch(
      {
        apiVersion: wanted.apiVersion,
        kind: wanted.kind,
        metadata: { name: wanted.metadata.name },
        webhooks: [{ name: 'iam-for-pods.amazonaws.com', failurePolicy }],
      },
      'eks',
    );
  }

  private async workload(workload: Workload): Promise<void> {
    const { past, writer, cluster } = this.options;
    const { namespace = 'default' } = workload.metadata;
    const { manager, addon, manifest: template } = past.appliedOf(workload);
    past.noteTemplate(namespace, template);
    const isApplied = operationOf(manager) === 'Apply';
    const given = workloadManifest(namespace, template);
    const { paused, ...spec } = given['spec'] as Record<string, unknown>;
    // A paused Deployment has the pods of before, which it creates only while it is not paused.
    const manifest = paused === true ? { ...given, spec } : given;
    if (isApplied) await writer.apply(manifest, manager);
    else await writer.create(manifest, manager);
    if (paused === true)
      this.pauses.push(() => (isApplied ? writer.apply(given, manager) : writer.patch(given, manager)));
    const start = `${workload.kind}.apps ${template.name} - `;
    for (const foreign of cluster.foreignFields.get(addon ?? '') ?? [])
      if (foreign.field.startsWith(start)) await this.foreign(workload, foreign, foreign.field.slice(start.length));
  }

  /** Has another manager set a field to the value that the scenario has. */
  private async foreign(workload: Workload, { manager, subresource }: ForeignField, path: string): Promise<void> {
    const set = parseField(path);
    if (!set) return;
    const { apiVersion, kind, metadata } = workload;
    const { name, namespace } = metadata;
    const base: Manifest = { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
    const part = partialOf(set, valueAt(workload, set)) as Record<string, unknown>;
    const merged = { ...base, ...part, metadata: { ...(part['metadata'] as object | undefined), ...base.metadata } };
    const scale = { ...base, apiVersion: 'autoscaling/v1', kind: 'Scale', spec: part['spec'] };
    const { writer } = this.options;
    if (subresource === 'scale') await writer.patchScale(KINDS[workload.kind], scale, manager);
    else await writer.patch(merged, manager);
  }

  /** Waits until each workload has the pods that the scenario has, as ready as there. */
  private async settled(): Promise<void> {
    const { past, world, cluster, work, plane } = this.options;
    const deadline = Date.now() + LONGEST_SETTLING_MS;
    const missing = (): string[] =>
      past.workloads().flatMap(({ kind, namespace, name, active, ready }) => {
        const workload = getObject(cluster.kube, kind, namespace, name);
        const pods = workload ? podsOf({ world, cluster }, workload).filter(isActive) : [];
        const nowReady = pods.filter(isReady).length;
        return pods.length === active && nowReady === ready
          ? []
          : [`${kind} ${namespace}/${name} has ${pods.length} of ${active} pods, ${nowReady} of ${ready} ready`];
      });
    for (;;) {
      const left = missing();
      if (left.length === 0 && !work.isBusy()) return;
      const [failure] = work.failures;
      if (failure !== undefined) throw failure;
      if (Date.now() > deadline)
        throw new Error(
          `The cluster did not settle within ${LONGEST_SETTLING_MS / 1000} seconds: ${left.join('; ')}.\n${plane.logs(5)}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
