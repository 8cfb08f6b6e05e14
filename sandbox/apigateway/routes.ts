/** Which method of an API a request is for. */
import type { AssemblyMethod } from '../assembly/apis.ts';

export interface Match {
  method: AssemblyMethod;
  /** Of the path, percent-encoded as they were sent. */
  parameters: Record<string, string>;
}

/** As it would be decoded; what is not encoded right stays as it is. */
export const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** A slash at the end makes no difference. */
const segmentsOf = (path: string): string[] => path.replace(/^\//, '').replace(/\/$/, '').split('/');

type Part = { kind: 'text' | 'parameter' | 'greedy'; name: string };
/** The first is preferred. */
const RANKS: Record<Part['kind'], string> = { text: '0', parameter: '1', greedy: '2' };

const partOf = (segment: string): Part => {
  const [, name, greedy] = /^\{(.+?)(\+?)\}$/.exec(segment) ?? [];
  return name === undefined ? { kind: 'text', name: segment } : { kind: greedy === '+' ? 'greedy' : 'parameter', name };
};

const matchPath = (parts: readonly Part[], segments: readonly string[]): Record<string, string> | undefined => {
  const parameters: Record<string, string> = {};
  for (const [index, { kind, name }] of parts.entries()) {
    const segment = segments[index];
    if (segment === undefined || (kind !== 'text' && segment === '')) return undefined;
    if (kind === 'greedy') return { ...parameters, [name]: segments.slice(index).join('/') };
    if (kind === 'parameter') parameters[name] = segment;
    else if (decoded(segment) !== name) return undefined;
  }
  return parts.length === segments.length ? parameters : undefined;
};

/** What ANY stands for (API Gateway Developer Guide, "Set up a proxy integration with a proxy resource"). */
const ANY_OF = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT']);

/**
 * Finds methods by the path below the stage, `/migrations/01J…`. Of the resources that fit and have the method, or ANY
 * in its place, the one wins that is written out furthest: text before a parameter before a greedy one. Sources:
 * measurements of REST APIs in ministackorg/ministack#1423 and floci-io/floci#3399 (a resource without the method lets
 * the request through to a parameter, and to `{proxy+}`); the Developer Guide does not say.
 */
export const createRouter = (
  methods: readonly AssemblyMethod[],
): ((path: string, httpMethod: string) => Match | undefined) => {
  const resources = [...new Set(methods.map(({ path }) => path))]
    .map((path) => ({ path, parts: segmentsOf(path).map(partOf) }))
    .map((resource) => ({ ...resource, rank: resource.parts.map(({ kind }) => RANKS[kind]).join('') }))
    .toSorted((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0));
  return (path, httpMethod) => {
    const segments = segmentsOf(path);
    for (const { path: resource, parts } of resources) {
      const parameters = matchPath(parts, segments);
      if (!parameters) continue;
      const own = methods.filter((method) => method.path === resource);
      const method =
        own.find((each) => each.httpMethod === httpMethod) ??
        own.find((each) => each.httpMethod === 'ANY' && ANY_OF.has(httpMethod));
      if (method) return { method, parameters };
    }
    return undefined;
  };
};
