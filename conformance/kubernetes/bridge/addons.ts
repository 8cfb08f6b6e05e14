/**
 * What EKS does to an add-on's objects, on a real API server: server-side apply as field manager `eks`. The sandbox's
 * EKS decides at once and writes later, in order; its answer waits for the writes.
 */
import { apiVersionOf, getObject, KINDS } from '../../../sandbox/objects/store.ts';
import { infoOf } from '../../../sandbox/kubernetes/custom-resources.ts';
import { addonReplicas, type ApplyOptions } from '../../../sandbox/kubernetes/addon-objects.ts';
import type { ControlPlanes } from '../../../sandbox/kubernetes/control-planes.ts';
import { foreignFieldsOf, RESTARTED_AT } from '../../../sandbox/kubernetes/manifest-fields.ts';
import { manifestOf } from '../../../sandbox/kubernetes/manifests.ts';
import { withValue } from '../../../sandbox/kubernetes/field-paths.ts';
import type { AddonObjects, KubeObject, WorkloadTemplate } from '../../../sandbox/objects/objects.ts';
import { ROLE_ANNOTATION } from '../../../sandbox/kubernetes/webhook.ts';
import type { ClusterState, World } from '../../../sandbox/world/world.ts';
import type { Mirror } from './mirror.ts';
import type { Work } from './work.ts';
import type { Cause, Manifest, Writer } from './writer.ts';

const EKS = 'eks';

export interface AddonsOptions {
  world: World;
  cluster: ClusterState;
  mirror: Mirror;
  work: Work;
  writer: Writer;
  /** Called before a workload is written, with the template of its pods. */
  noteTemplate: (namespace: string, template: WorkloadTemplate) => void;
}

interface Managed {
  manager?: string;
  operation?: string;
  fieldsV1?: Record<string, unknown>;
}

/** Returns whether `eks` has applied an annotation of an object, or of its pod template. */
const hasApplied = (object: KubeObject | undefined, path: string[]): boolean =>
  ((object?.metadata as { managedFields?: Managed[] } | undefined)?.managedFields ?? []).some(
    ({ manager, operation, fieldsV1 }) =>
      manager === EKS &&
      operation === 'Apply' &&
      path.reduce<unknown>((set, part) => (set as Record<string, unknown> | undefined)?.[`f:${part}`], fieldsV1) !==
        undefined,
  );

const ANNOTATION = ['metadata', 'annotations', ROLE_ANNOTATION];
const TEMPLATE_ANNOTATIONS = ['spec', 'template', 'metadata', 'annotations'];

/** Returns what EKS applies of a workload. `restartedAt`: the annotation of its pods; undefined if it has none. */
export const workloadManifest = (namespace: string, template: WorkloadTemplate, restartedAt?: string): Manifest => {
  const { metadata, spec } = manifestOf(template);
  const pods = spec.template;
  const annotations = {
    ...pods.metadata.annotations,
    ...(restartedAt === undefined ? {} : { [RESTARTED_AT]: restartedAt }),
  };
  return {
    apiVersion: apiVersionOf(KINDS[template.kind]),
    kind: template.kind,
    metadata: { name: template.name, namespace, ...metadata },
    spec: {
      ...spec,
      template: {
        ...pods,
        metadata: { ...pods.metadata, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
      },
    },
  };
};

export class Addons {
  private readonly options: AddonsOptions;

  constructor(options: AddonsOptions) {
    this.options = options;
  }

  apply(addonName: string, objects: AddonObjects, options: ApplyOptions): void {
    const { world, work } = this.options;
    const at = world.schedule.now();
    work.inOrder(`apply of add-on ${addonName}`, () => this.write(addonName, objects, options, at));
  }

  remove(addonName: string, objects: AddonObjects): void {
    this.options.work.inOrder(`removal of add-on ${addonName}`, () => this.delete(objects));
  }

  replicas(objects: AddonObjects): { desired: number; ready: number } {
    const { world, cluster } = this.options;
    return addonReplicas(world, cluster, objects);
  }

  annotate({ namespace, serviceAccount, annotation, value, manager }: Parameters<ControlPlanes['annotate']>[1]): void {
    const { cluster, work, writer } = this.options;
    if (!getObject(cluster.kube, 'ServiceAccount', namespace, serviceAccount)) return;
    const metadata = { name: serviceAccount, namespace, annotations: { [annotation]: value } };
    work.inOrder(`annotation of ${namespace}/${serviceAccount}`, () =>
      writer.patch({ apiVersion: 'v1', kind: 'ServiceAccount', metadata }, manager),
    );
  }

  /** Finds the fields that other managers have changed, by a dry run: EKS decides by them what to do. */
  async readConflicts(addonName: string, objects: AddonObjects): Promise<void> {
    const { cluster, writer } = this.options;
    const fields: { field: string; manager: string }[] = [];
    for (const template of objects.workloads) {
      const existing = getObject(cluster.kube, template.kind, objects.namespace, template.name);
      if (!existing) continue;
      const manifest = workloadManifest(objects.namespace, template, this.restartedAt(existing));
      for (const { field = '', message } of await writer.conflicts(manifest, EKS))
        fields.push({ field: `${template.kind}.apps ${template.name} - ${field}`, manager: managerIn({ message }) });
    }
    if (fields.length > 0) cluster.foreignFields.set(addonName, fields);
    else cluster.foreignFields.delete(addonName);
  }

  /** Returns the annotation of a restart that EKS itself set: left out, it would be removed. */
  private restartedAt(existing: KubeObject | undefined): string | undefined {
    if (!hasApplied(existing, [...TEMPLATE_ANNOTATIONS, RESTARTED_AT])) return undefined;
    return (existing?.spec?.['template'] as WorkloadPods | undefined)?.metadata?.annotations?.[RESTARTED_AT];
  }

  private async write(addonName: string, objects: AddonObjects, options: ApplyOptions, at: number): Promise<void> {
    const { cluster, writer, mirror, noteTemplate } = this.options;
    const { namespace, customKinds = [], customResources = [] } = objects;
    await writer.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, EKS);
    for (const kind of customKinds) {
      const isNew = !cluster.kube.customKinds.has(`${kind.plural}.${kind.group}`);
      await writer.define(kind);
      cluster.kube.customKinds.set(`${kind.plural}.${kind.group}`, kind);
      if (isNew) await mirror.watchCustom(kind);
    }
    for (const { group, plural, name } of customResources) {
      const kind = cluster.kube.customKinds.get(`${plural}.${group}`);
      if (!kind) continue;
      const metadata = { name, namespace };
      await writer.create({ apiVersion: apiVersionOf(infoOf(kind)), kind: kind.kind, metadata, spec: {} }, EKS, kind);
    }
    for (const name of objects.serviceAccounts) await this.applyAccount(addonName, objects.namespace, name, options);
    for (const template of objects.workloads) {
      const existing = getObject(cluster.kube, template.kind, namespace, template.name);
      const restartedAt = options.restart && existing ? new Date(at).toISOString() : this.restartedAt(existing);
      noteTemplate(namespace, template);
      const manifest = workloadManifest(namespace, template, restartedAt);
      const foreign = existing && foreignFieldsOf(cluster, addonName, existing);
      // A field that is not applied stays as its manager set it.
      await writer.apply(foreign ? withValue(manifest, foreign, undefined) : manifest, EKS, { force: true });
    }
  }

  private async applyAccount(
    addonName: string,
    namespace: string,
    name: string,
    { irsaServiceAccounts, roleArn, keepAnnotation = false }: ApplyOptions,
  ): Promise<void> {
    const { cluster, writer } = this.options;
    const existing = getObject(cluster.kube, 'ServiceAccount', namespace, name);
    const given = irsaServiceAccounts.includes(name) ? roleArn : undefined;
    const kept =
      keepAnnotation && hasApplied(existing, ANNOTATION)
        ? existing?.metadata.annotations?.[ROLE_ANNOTATION]
        : undefined;
    const role = given ?? kept;
    await writer.apply(
      {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: {
          name,
          namespace,
          labels: { 'app.kubernetes.io/name': addonName, 'app.kubernetes.io/managed-by': 'EKS' },
          ...(role === undefined ? {} : { annotations: { [ROLE_ANNOTATION]: role } }),
        },
      },
      EKS,
      { force: true },
    );
  }

  private async delete({ namespace, workloads, serviceAccounts, customKinds = [] }: AddonObjects): Promise<void> {
    const { world, cluster, writer } = this.options;
    for (const { kind, name } of workloads) await writer.remove(KINDS[kind], namespace, name);
    for (const name of serviceAccounts) await writer.remove(KINDS.ServiceAccount, namespace, name);
    if (world.knobs.customResourcesOnDelete !== 'remove') return;
    for (const kind of customKinds) {
      cluster.kube.customKinds.delete(`${kind.plural}.${kind.group}`);
      await writer.undefine(kind);
    }
  }
}

interface WorkloadPods {
  metadata?: { annotations?: Record<string, string> };
}

/** Returns the manager that a conflict names: `conflict with "kubectl-edit" using apps/v1`. */
export const managerIn = ({ message }: Pick<Cause, 'message'>): string => /"([^"]+)"/.exec(message)?.[1] ?? 'unknown';
