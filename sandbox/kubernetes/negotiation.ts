/**
 * The representation of an answer that a client accepts (k8s.io/apiserver, endpoints/handlers/negotiation; go-restful).
 * Protobuf is not among them: clients that prefer it accept JSON too.
 */
import { stringify } from 'yaml';
import type { HttpRequest, HttpResponse } from '../http.ts';
import { Refusal } from './answers.ts';
import type { KubeObject } from '../objects/objects.ts';

const JSON_TYPE = 'application/json';
const YAML_TYPE = 'application/yaml';
const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const TYPES = [JSON_TYPE, YAML_TYPE, PROTOBUF];

/** What objects can be converted to. */
type Conversion = 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';
const CONVERSIONS: readonly string[] = ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'];

export interface Representation {
  format: typeof JSON_TYPE | typeof YAML_TYPE;
  /** Undefined: the objects themselves. */
  as?: Conversion;
  /** Version of `meta.k8s.io` in which the conversion is answered. */
  version?: string;
}

interface Clause {
  type: string;
  quality: number;
  parameters: Record<string, string>;
}

const clausesOf = (accept: string): Clause[] =>
  accept
    .split(',')
    .map((part): Clause => {
      const [type = '', ...rest] = part.split(';').map((each) => each.trim());
      const { q = '1', ...parameters } = Object.fromEntries(
        rest.map((each): [string, string] => {
          const [key = '', value = ''] = each.split('=');
          return [key, value];
        }),
      );
      return { type: type === '*' ? '*/*' : type, quality: Number(q) || 0, parameters };
    })
    .sort((a, b) => b.quality - a.quality);

const accepts = ({ type }: Clause, offered: string): boolean =>
  type === offered || type === '*/*' || (type.endsWith('/*') && offered.startsWith(type.slice(0, -1)));

/** Returns the representation that a clause asks for in a format; undefined if there is none. */
const representationOf = ({ parameters }: Clause, format: Representation['format']): Representation | undefined => {
  const { as, g, v, stream, sv } = parameters;
  if (sv !== undefined && sv !== 'v1') return undefined;
  if (stream !== undefined && stream !== 'watch') return undefined;
  if (as === undefined && g === undefined && v === undefined) return { format };
  const known = g === 'meta.k8s.io' && (v === 'v1' || v === 'v1beta1') && CONVERSIONS.includes(as ?? '');
  return known ? { format, as: as as Conversion, version: v } : undefined;
};

const cached = new Map<string, Representation | undefined>();

const negotiate = (accept: string): Representation | undefined => {
  for (const clause of clausesOf(accept))
    for (const format of [JSON_TYPE, YAML_TYPE] as const) {
      const found = accepts(clause, format) ? representationOf(clause, format) : undefined;
      if (found) return found;
    }
  return undefined;
};

/** Returns the representation that a request asks for; undefined if it accepts none. */
const representationFor = ({ headers }: HttpRequest): Representation | undefined => {
  const accept = headers['accept'] ?? '';
  if (accept === '') return { format: JSON_TYPE };
  if (!cached.has(accept)) {
    if (cached.size > 100) cached.clear();
    cached.set(accept, negotiate(accept));
  }
  return cached.get(accept);
};

const notAcceptable = (message: string, details?: Record<string, never>): Refusal =>
  new Refusal(406, 'NotAcceptable', message, details);

/**
 * Returns the representation of an answer. `streams`: whether the path also serves watches. Throws the 406 of the router
 * if the request accepts none of the media types, and that of the handler if it asks for an unknown conversion.
 */
export const acceptedBy = (request: HttpRequest, { streams = false } = {}): Representation => {
  const found = representationFor(request);
  if (found) return found;
  const clauses = clausesOf(request.headers['accept'] ?? '');
  if (clauses.some((clause) => TYPES.some((type) => accepts(clause, type))))
    throw notAcceptable(`only the following media types are accepted: ${TYPES.join(', ')}`);
  const streamed = streams ? [JSON_TYPE, PROTOBUF].map((type) => `${type};stream=watch`) : [];
  const available = [...TYPES, ...streamed].join(', ');
  throw notAcceptable(`406: Not Acceptable\n\nAvailable representations: ${available}`, {});
};

/** Returns the version of aggregated discovery that a request prefers; undefined if it prefers separate documents. */
export const aggregatedVersion = ({ headers }: HttpRequest): string | undefined => {
  const [first] = clausesOf(headers['accept'] ?? '');
  const { as, g, v } = first?.parameters ?? {};
  const served = v === 'v2' || v === 'v2beta1';
  return first && accepts(first, JSON_TYPE) && as === 'APIGroupDiscoveryList' && g === 'apidiscovery.k8s.io' && served
    ? v
    : undefined;
};

/** Returns an object's metadata alone, as it is answered for `as=PartialObjectMetadata`. */
export const partialMetadata = ({ metadata }: Pick<KubeObject, 'metadata'>, version = 'v1'): unknown => ({
  kind: 'PartialObjectMetadata',
  apiVersion: `meta.k8s.io/${version}`,
  metadata,
});

/** Returns the 406 for a list of metadata where there is one object, or the reverse. `kind`: the kind of what is there. */
export const wrongConversion = (as: Conversion, kind: string): Refusal =>
  notAcceptable(
    as === 'PartialObjectMetadataList'
      ? `you requested PartialObjectMetadataList, but the requested object is not a list (*v1.${kind})`
      : `you requested PartialObjectMetadata, but the requested object is a list (*v1.${kind})`,
  );

/** Returns YAML like sigs.k8s.io/yaml: sorted keys, and quotes only around what would be read as something else. */
const yamlOf = (content: unknown): string =>
  stringify(content, { sortMapEntries: true, indentSeq: false, lineWidth: 0, schema: 'yaml-1.1' });

/** Returns an answer in the format that the request asks for; answers in plain text stay as they are. */
export const inFormat = (request: HttpRequest, response: HttpResponse): HttpResponse =>
  representationFor(request)?.format === YAML_TYPE && response.content
    ? {
        status: response.status,
        headers: { ...response.headers, 'content-type': YAML_TYPE },
        body: yamlOf(response.content),
      }
    : response;
