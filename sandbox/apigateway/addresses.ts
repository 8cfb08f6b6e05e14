/** Where APIs answer: at their own hosts, and below the address of a sandbox that listens. */
import { DNS_SUFFIXES } from '../../lambdas/domain/partitions.ts';
import type { AssemblyApi } from '../assembly/apis.ts';
import type { HttpRequest } from '../http.ts';
import { ALGORITHM } from '../signature.ts';

export interface Address {
  /** Undefined for an API that is not there. */
  api?: AssemblyApi;
  /** What of the path is before the stage. */
  prefix: string;
}

/** The service that a request says to be signed for; undefined where it is not signed. */
export const signedFor = (request: HttpRequest): string | undefined => {
  const authorization = request.headers['authorization'] ?? '';
  const inQuery = [request.query['X-Amz-Credential']].flat()[0];
  const credential = authorization.startsWith(ALGORITHM) ? /Credential=([^,\s]+)/.exec(authorization)?.[1] : inQuery;
  return credential?.split('/')[3];
};

const hostnameOf = (host: string): string => host.toLowerCase().replace(/:\d+$/, '');
const isAws = (host: string): boolean => DNS_SUFFIXES.some((suffix) => hostnameOf(host).endsWith(`.${suffix}`));

export const apiAtHost = (apis: readonly AssemblyApi[], host: string): AssemblyApi | undefined =>
  apis.find((api) => api.host === hostnameOf(host));

/** Of several APIs, the path says which: `/_apis/ID/STAGE/…`. */
const named = /^\/_apis\/([^/]+)/;

/**
 * Which API a request is for, signed or not; undefined where it is not for any. At an address that all services share,
 * what is signed for another service is that service's, and what is not signed is an API's where its path begins with
 * one of its stages.
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
  const having = apis.filter(({ stages }) => stages.some(({ name }) => name === stage));
  if (having.length === 1 && having[0]) return { api: having[0], prefix: '' };
  return service === undefined ? undefined : { prefix: '' };
};

/** Base URL of an API's stage below a sandbox's address: with one API, the stage alone says which. */
export const loopbackUrlOf = (apis: readonly AssemblyApi[], api: AssemblyApi, stage: string, url: string): string =>
  `${url}${apis.length === 1 ? '' : `/_apis/${api.id}`}/${stage}`;
