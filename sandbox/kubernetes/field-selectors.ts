/** Field selectors of requests (k8s.io/apimachinery, fields/selector.go), for the fields that the API server knows. */
import { isObject } from '../json.ts';
import { badRequest } from './answers.ts';
import type { KubeObject } from '../objects/objects.ts';
import { isBuiltIn, type ResourceInfo } from '../objects/store.ts';

export interface FieldTerm {
  field: string;
  operator: '=' | '!=';
  value: string;
}

const unescaped = (text: string): string =>
  text.replaceAll(/\\[^]?|[=,]/g, (found) => {
    if (found === '=' || found === ',')
      throw badRequest(`invalid field selector: unescaped character in value: ${found.charCodeAt(0)}`);
    if (!/[\\,=]$/.test(found.slice(1))) throw badRequest(`invalid field selector: invalid escape sequence: ${found}`);
    return found.slice(1);
  });

/** Parses a field selector: `field=value`, `field==value` and `field!=value`, joined by commas. */
export const fieldTerms = (selector: string): FieldTerm[] =>
  (selector.match(/(?:\\.|[^,\\]|\\$)+/gs) ?? []).toSorted().map((term) => {
    const parsed = /^(?<field>.*?)(?<operator>!=|==|=)(?<value>.*)$/s.exec(term)?.groups;
    if (!parsed) throw badRequest(`invalid selector: '${selector}'; can't understand '${term}'`);
    const { field = '', operator, value = '' } = parsed;
    return { field, operator: operator === '!=' ? '!=' : '=', value: unescaped(value) };
  });

interface Known {
  /** Fields besides `metadata.name` and `metadata.namespace`, with the values of objects that do not set them. */
  fields: Record<string, string>;
  /** The message for another field, which `%` stands for. */
  refusal?: string;
  aliases?: Record<string, string>;
}

/** By kind (k8s.io/kubernetes, apis/…/conversion.go). Events and the objects of certificates have more. */
const KNOWN: Record<string, Known> = {
  Pod: {
    fields: {
      'spec.nodeName': '',
      'spec.restartPolicy': 'Always',
      'spec.schedulerName': 'default-scheduler',
      'spec.serviceAccountName': '',
      'spec.hostNetwork': 'false',
      'status.phase': '',
      'status.podIP': '',
      'status.podIPs': '',
      'status.nominatedNodeName': '',
    },
    aliases: { 'spec.host': 'spec.nodeName' },
  },
  Node: { fields: { 'spec.unschedulable': 'false' } },
  ReplicationController: { fields: { 'status.replicas': '0' } },
  Namespace: { fields: { 'status.phase': '' } },
  Secret: { fields: { type: 'Opaque' } },
  Service: { fields: { 'spec.clusterIP': '', 'spec.type': 'ClusterIP' } },
  Event: {
    fields: Object.fromEntries(
      [
        ...['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
          (field) => `involvedObject.${field}`,
        ),
        'reason',
        'reportingComponent',
        'source',
        'type',
      ].map((field) => [field, '']),
    ),
  },
  Job: { fields: { 'status.successful': '0' }, refusal: 'field label "%" not supported for batchv1.Job' },
  CertificateSigningRequest: { fields: { 'spec.signerName': '' } },
};

const UNSUPPORTED = 'field label not supported: %';
const UNKNOWN = '"%" is not a known field selector: only "metadata.name", "metadata.namespace"';

/** Where the value of a field is, if the field is not a path itself. */
const PATHS: Record<string, string> = {
  'status.podIPs': 'status.podIP',
  'status.successful': 'status.succeeded',
  source: 'source.component',
};

const valueAt = (object: KubeObject, field: string): string | undefined => {
  let value: unknown = object;
  for (const part of (PATHS[field] ?? field).split('.')) value = isObject(value) ? value[part] : undefined;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
};

/** Returns whether an object has the fields of a selector. Throws the 400 if the kind does not support one of them. */
export const fieldSelector = (terms: readonly FieldTerm[], info: ResourceInfo): ((object: KubeObject) => boolean) => {
  const isCustom = !isBuiltIn(info) && info.custom === true;
  const known = isCustom ? undefined : KNOWN[info.kind];
  const wanted = terms.map(({ field: name, operator, value }) => {
    const field = known?.aliases?.[name] ?? name;
    const isCommon = field === 'metadata.name' || (field === 'metadata.namespace' && info.namespaced);
    if (!isCommon && !(known && Object.hasOwn(known.fields, field)) && !(field === 'metadata.namespace' && !known))
      throw badRequest((known ? (known.refusal ?? UNSUPPORTED) : isCustom ? UNSUPPORTED : UNKNOWN).replace('%', name));
    const missing = known?.fields[field] ?? '';
    return (object: KubeObject): boolean => ((valueAt(object, field) ?? missing) === value) === (operator === '=');
  });
  return (object) => wanted.every((term) => term(object));
};
