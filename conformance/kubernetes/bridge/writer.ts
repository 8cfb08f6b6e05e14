/** Writes objects to a real API server as an administrator, under the names of field managers. */
import type { CustomKind, KubeObject } from '../../../sandbox/objects/objects.ts';
import { infoOf } from '../../../sandbox/kubernetes/custom-resources.ts';
import { KINDS, type ResourceInfo } from '../../../sandbox/objects/store.ts';
import type { KubeResponse } from '../plane/client.ts';
import type { ControlPlane } from '../plane/options.ts';
import { pathOf, type Mirror } from './mirror.ts';

/** An object as a client writes it. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  [field: string]: unknown;
}

const APPLY = 'application/apply-patch+yaml';
const STRATEGIC = 'application/strategic-merge-patch+json';

/** Returns the path of an object, or of its collection if there is no name. */
export const objectPath = (info: ResourceInfo, namespace: string | undefined, name?: string): string => {
  const all = pathOf(info);
  const collection =
    info.namespaced && namespace !== undefined
      ? all.replace(new RegExp(`/${info.plural}$`), `/namespaces/${namespace}/${info.plural}`)
      : all;
  return name === undefined ? collection : `${collection}/${name}`;
};

const infoOfManifest = ({ kind }: Manifest, custom?: CustomKind): ResourceInfo => {
  const info = custom ? infoOf(custom) : (KINDS as Record<string, ResourceInfo>)[kind];
  if (!info) throw new Error(`The bridge cannot write objects of kind ${kind}.`);
  return info;
};

export interface Cause {
  reason: string;
  message: string;
  field?: string;
}

export class Writer {
  private readonly plane: ControlPlane;
  private readonly mirror: Mirror;

  constructor(plane: ControlPlane, mirror: Mirror) {
    this.plane = plane;
    this.mirror = mirror;
  }

  /** Creates an object, unless it exists. */
  async create(manifest: Manifest, manager: string, custom?: CustomKind): Promise<void> {
    const info = infoOfManifest(manifest, custom);
    const path = `${objectPath(info, manifest.metadata.namespace)}?fieldManager=${encodeURIComponent(manager)}`;
    await this.write('POST', path, { body: manifest }, [200, 201, 409]);
  }

  /** Applies an object server-side. */
  async apply(manifest: Manifest, manager: string, { force = false }: { force?: boolean } = {}): Promise<void> {
    const info = infoOfManifest(manifest);
    const { namespace, name } = manifest.metadata;
    const query = `fieldManager=${encodeURIComponent(manager)}&force=${force}`;
    const headers = { 'content-type': APPLY };
    await this.write('PATCH', `${objectPath(info, namespace, name)}?${query}`, { body: manifest, headers });
  }

  /** Returns what applying an object would conflict with; changes nothing. */
  async conflicts(manifest: Manifest, manager: string): Promise<Cause[]> {
    const { namespace, name } = manifest.metadata;
    const query = `fieldManager=${encodeURIComponent(manager)}&force=false&dryRun=All`;
    const path = `${objectPath(infoOfManifest(manifest), namespace, name)}?${query}`;
    const answer = await this.plane.request('PATCH', path, { body: manifest, headers: { 'content-type': APPLY } });
    if (answer.status === 409) return (answer.body as { details?: { causes?: Cause[] } }).details?.causes ?? [];
    if (answer.status >= 300) throw this.unexpected('PATCH', path, answer);
    return [];
  }

  /** Changes fields of an object. */
  async patch(manifest: Manifest, manager: string): Promise<void> {
    const { namespace, name } = manifest.metadata;
    const path = `${objectPath(infoOfManifest(manifest), namespace, name)}?fieldManager=${encodeURIComponent(manager)}`;
    await this.write('PATCH', path, { body: manifest, headers: { 'content-type': STRATEGIC } });
  }

  /** Changes the scale of a workload. */
  async patchScale(info: ResourceInfo, scale: Manifest, manager: string): Promise<void> {
    const { namespace, name } = scale.metadata;
    const path = `${objectPath(info, namespace, name)}/scale?fieldManager=${encodeURIComponent(manager)}`;
    await this.write('PATCH', path, { body: scale });
  }

  /** Deletes an object, and what depends on it in the background; does nothing if it does not exist. */
  async remove(info: ResourceInfo, namespace: string | undefined, name: string): Promise<void> {
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' };
    const path = objectPath(info, namespace, name);
    await this.write('DELETE', path, { body }, [200, 202, 404]);
    await this.mirror.until(
      () =>
        this.mirror.find(info, namespace, name)?.metadata.deletionTimestamp !== undefined ||
        !this.mirror.find(info, namespace, name),
      `the end of ${path}`,
    );
  }

  async write(
    method: string,
    path: string,
    request: { body: unknown; headers?: Record<string, string> },
    expected: readonly number[] = [200, 201],
  ): Promise<void> {
    const answer = await this.plane.request(method, path, request);
    if (!expected.includes(answer.status)) throw this.unexpected(method, path, answer);
    await this.mirror.caughtUp(answer.body);
  }

  /** Defines a custom kind with any content, and waits until it is served. */
  async define(kind: CustomKind): Promise<void> {
    const name = `${kind.plural}.${kind.group}`;
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const body = definitionOf(kind);
    const { status, text } = await this.plane.request('POST', path, { body });
    if (status !== 201 && status !== 409) throw new Error(`POST ${path} was answered with ${status}: ${text}`);
    for (let tries = 0; tries < 200; tries += 1) {
      const answer = await this.plane.request('GET', `${path}/${name}`);
      const served = await this.plane.request('GET', pathOf(infoOf(kind)));
      const conditions = (answer.body as KubeObject).status?.['conditions'] as
        | { type: string; status: string }[]
        | undefined;
      if (served.status === 200 && conditions?.some((each) => each.type === 'Established' && each.status === 'True'))
        return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`The custom resource definition ${name} was not served within 10 seconds.`);
  }

  async undefine(kind: CustomKind): Promise<void> {
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${kind.plural}.${kind.group}`;
    const { status, text } = await this.plane.request('DELETE', path);
    if (status !== 200 && status !== 404) throw new Error(`DELETE ${path} was answered with ${status}: ${text}`);
  }

  private unexpected(method: string, path: string, { status, text }: KubeResponse): Error {
    return new Error(`${method} ${path} was answered with ${status}: ${text}`);
  }
}

/** Returns the definition of a custom kind, with any content. */
const definitionOf = ({ group, versions, plural, kind, shortNames, namespaced }: CustomKind): object => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: `${plural}.${group}`,
    // Kubernetes' own groups want to be told that the API was approved.
    ...(group.endsWith('.k8s.io') ? { annotations: { 'api-approved.kubernetes.io': 'unapproved, conformance' } } : {}),
  },
  spec: {
    group,
    scope: namespaced ? 'Namespaced' : 'Cluster',
    names: {
      plural,
      singular: kind.toLowerCase(),
      kind,
      listKind: `${kind}List`,
      ...(shortNames ? { shortNames } : {}),
    },
    versions: versions.map((name, index) => ({
      name,
      served: true,
      storage: index === 0,
      schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    })),
  },
});
