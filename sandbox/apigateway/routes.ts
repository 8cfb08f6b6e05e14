/** Finds the method of an API that a request is for. */
import type { AssemblyMethod } from '../assembly/apis.ts';

export interface Match {
  method: AssemblyMethod;
  /** Path parameters, percent-encoded as sent. */
  parameters: Record<string, string>;
}

/** Returns the decoded text; incorrectly encoded text is returned unchanged. */
export const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** A trailing slash makes no difference. */
const segmentsOf = (path: string): string[] => path.replace(/^\//, '').replace(/\/$/, '').split('/');

type Part = { kind: 'text' | 'parameter' | 'greedy'; name: string };
/** Lower ranks are preferred. */
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

/** The methods that ANY covers (API Gateway Developer Guide, "Set up a proxy integration with a proxy resource"). */
const ANY_OF = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT']);

/**
 * Finds methods by the path below the stage, such as `/migrations/01J…`. Of the matching resources that have the
 * method, or ANY instead, the most literal wins: text before a parameter before a greedy parameter. Sources:
 * measurements of REST APIs in ministackorg/ministack#1423 and floci-io/floci#3399 (if a resource lacks the method, the
 * request falls through to a parameter and to `{proxy+}`); the Developer Guide does not cover this.
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
