/** What the catalogue's files share: the parts that all add-ons of EKS look alike in. */
import type { WorkloadTemplate } from '../kubernetes/objects.ts';
import type { CatalogueVersion } from './catalogue.ts';

type PodIdentity = CatalogueVersion['podIdentity'];

/** Policies by service account, as DescribeAddonConfiguration recommends them: names of AWS managed policies. */
export const podIdentity = (policies: Record<string, string[]>): PodIdentity =>
  Object.entries(policies).map(([serviceAccount, names]) => ({
    serviceAccount,
    recommendedManagedPolicies: names.map((name) => `arn:aws:iam::aws:policy/${name}`),
  }));

/** Versions, newest first: `[version, first and last Kubernetes version that it is offered for, versions that it is the default of]`. */
export const versions = (
  rows: [version: string, from: number, to: number, defaultFor: number[], takesAssociations: boolean][],
  options: { requiresIamPermissions: boolean; podIdentity?: PodIdentity },
): CatalogueVersion[] =>
  rows.map(([version, from, to, defaultFor, takesAssociations]) => ({
    version,
    kubernetesVersions: Array.from({ length: to - from + 1 }, (_, index) => `1.${from + index}`),
    defaultFor: defaultFor.map((minor) => `1.${minor}`),
    ...(takesAssociations && options.podIdentity ? { podIdentity: options.podIdentity } : {}),
    requiresIamPermissions: options.requiresIamPermissions,
    offered: true,
  }));

/** Labels as EKS sets them on an add-on's workloads and pods. */
export const labels = (addon: string, component: string): Record<string, string> => ({
  app: component,
  'app.kubernetes.io/name': addon,
  'app.kubernetes.io/component': component,
  'app.kubernetes.io/managed-by': 'EKS',
});

/** Without a tag: a catalogue's workloads are the same for all versions. */
const REGISTRY = '602401143452.dkr.ecr.us-west-2.amazonaws.com/eks';

export const containers = (images: Record<string, string>): WorkloadTemplate['containers'] =>
  Object.entries(images).map(([name, image]) => ({ name, image: `${REGISTRY}/${image}` }));

type Property = Record<string, unknown>;

/** A JSON schema's text, in the form of those that EKS publishes: nothing is allowed that is not named. */
export const configurationSchema = (description: string, properties: Record<string, Property>): string =>
  JSON.stringify({ $schema: 'https://json-schema.org/draft/2019-09/schema', type: 'object', additionalProperties: false, description, properties });

export const object = (properties: Record<string, Property>): Property => ({ type: 'object', additionalProperties: false, properties });
/** A part of a pod's specification that is handed on as it is. */
export const anyObject: Property = { type: 'object' };
export const list: Property = { type: 'array' };
export const text: Property = { type: 'string' };
export const integer: Property = { type: 'integer' };
export const boolean: Property = { type: 'boolean' };
