/** Resolves where APIs answer: at their own hosts, and below the address of a listening sandbox. */
import { DNS_SUFFIXES } from '../../lambdas/domain/aws/partitions.ts';
import type { AssemblyApi } from '../assembly/apis.ts';
import type { HttpRequest } from '../http.ts';
import { ALGORITHM } from '../signature.ts';

export interface Address {
  /** Undefined if the API does not exist. */
  api?: AssemblyApi;
  /** The part of the path before the stage. */
  prefix: string;
}

/** Returns the service that a request claims to be signed for; undefined if it is unsigned. */
const signedFor = (request: HttpRequest): string | undefined => {
  const authorization = request.headers['authorization'] ?? '';
  const inQuery = [request.query['X-Amz-Credential']].flat()[0];
  const credential = authorization.startsWith(ALGORITHM) ? /Credential=([^,\s]+)/.exec(authorization)?.[1] : inQuery;
  return credential?.split('/')[3];
};

const hostnameOf = (host: string): string => host.toLowerCase().replace(/:\d+$/, '');
const isAws = (host: string): boolean => DNS_SUFFIXES.some((suffix) => hostnameOf(host).endsWith(`.${suffix}`));

export const apiAtHost = (apis: readonly AssemblyApi[], host: string): AssemblyApi | undefined =>
  apis.find((api) => api.host === hostnameOf(host));

/** With several APIs, the path names the API: `/_apis/ID/STAGE/…`. */
const named = /^\/_apis\/([^/]+)/;

/**
 * Returns the API that a request is for, signed or not; undefined if it is for none. At an address that all services
 * share, a request signed for another service belongs to that service, and an unsigned request belongs to an API if its
 * path begins with one of the API's stages.
 */
export const addressOf = (apis: readonly AssemblyApi[], request: HttpRequest): Address | undefined => {
  const api = apiAtHost(apis, request.host);
  if (api) return { api, prefix: '' };
  const service = signedFor(request);
  if (isAws(request.host) || (service !== undefined && service !== 'execute-api'))
    return service === 'execute-api' ? { prefix: '' } : undefined;
  const [prefix, id] = named.exec(request.path) ?? [];
  if (prefix !== undefined) {
    const found = apis.find((each) => each.id === id);
    return { ...(found ? { api: found } : {}), prefix };
  }
  const stage = request.path.split('/')[1] ?? '';
  const matching = apis.filter(({ stages }) => stages.some(({ name }) => name === stage));
  if (matching.length === 1 && matching[0]) return { api: matching[0], prefix: '' };
  return service === undefined ? undefined : { prefix: '' };
};

/** Returns the address of an API below a sandbox's address: a single API is identified by its stages alone. */
const loopbackBase = (apis: readonly AssemblyApi[], { id }: AssemblyApi, url: string): string =>
  `${url}${apis.length === 1 ? '' : `/_apis/${id}`}`;

/** Returns the base URL of an API's stage below a sandbox's address. */
export const loopbackUrlOf = (apis: readonly AssemblyApi[], api: AssemblyApi, stage: string, url: string): string =>
  `${loopbackBase(apis, api, url)}/${stage}`;

/** Returns the value with the address of an API below the sandbox's, if it is the URL of one. */
export const loopbackValue = (apis: readonly AssemblyApi[], value: string, url: string): string => {
  const api = apis.find(({ host }) => value.startsWith(`https://${host}/`));
  return api ? value.replace(`https://${api.host}`, loopbackBase(apis, api, url)) : value;
};
