/**
 * Impersonation (`kubectl --as`). Source: k8s.io/apiserver, endpoints/filters/impersonation.go; Kubernetes
 * documentation, "User impersonation".
 */
import { namespaceName, serviceAccountName } from '../../lambdas/domain/text/names.ts';
import type { HttpRequest } from '../http.ts';
import type { ClusterState } from '../world/world.ts';
import type { User } from './access.ts';
import { InternalError, NOSNIFF, Refusal } from './answers.ts';
import { authorize } from './rbac.ts';
import { isSince } from './resources/served.ts';

const AUTHENTICATION = 'authentication.k8s.io';
const EXTRA = 'impersonate-extra-';
const ANONYMOUS = 'system:anonymous';
const AUTHENTICATED = 'system:authenticated';
const UNAUTHENTICATED = 'system:unauthenticated';

/** One attribute of the impersonated user, for which the caller needs the verb `impersonate`. */
interface Part {
  kind: 'ServiceAccount' | 'User' | 'Group' | 'UserExtra' | 'UID';
  name: string;
  namespace?: string;
  /** Key of a UserExtra. */
  key?: string;
}

/** Returns all values of a header that can be repeated. */
const valuesOf = ({ headers }: HttpRequest, name: string): string[] => headers[name]?.split('\n') ?? [];

/** Decodes a key: header names are case-insensitive, so keys with other characters are sent percent-encoded. */
const extraKey = (encoded: string): string => {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
};

const userPart = (username: string): Part => {
  const [, namespace = '', name = ''] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username) ?? [];
  const isAccount = namespaceName.safeParse(namespace).success && serviceAccountName.safeParse(name).success;
  return isAccount ? { kind: 'ServiceAccount', namespace, name } : { kind: 'User', name: username };
};

const partsOf = (request: HttpRequest): Part[] => [
  ...valuesOf(request, 'impersonate-user').filter(Boolean).slice(0, 1).map(userPart),
  ...valuesOf(request, 'impersonate-group').map((name): Part => ({ kind: 'Group', name })),
  ...Object.keys(request.headers)
    .filter((header) => header.startsWith(EXTRA))
    .flatMap((header) =>
      valuesOf(request, header).map((name): Part => ({
        kind: 'UserExtra',
        name,
        key: extraKey(header.slice(EXTRA.length)),
      })),
    ),
  ...valuesOf(request, 'impersonate-uid')
    .filter(Boolean)
    .slice(0, 1)
    .map((name): Part => ({ kind: 'UID', name })),
];

const RESOURCES: Record<Part['kind'], { group: string; resource: string }> = {
  ServiceAccount: { group: '', resource: 'serviceaccounts' },
  User: { group: '', resource: 'users' },
  Group: { group: '', resource: 'groups' },
  UserExtra: { group: AUTHENTICATION, resource: 'userextras' },
  UID: { group: AUTHENTICATION, resource: 'uids' },
};

/** Returns a part as Go prints an ObjectReference: kind, namespace, name, UID, version, resource version, field. */
const printed = ({ kind, namespace = '', name, key = '' }: Part): string =>
  `{${[kind, namespace, name, '', RESOURCES[kind].group === '' ? '' : `${AUTHENTICATION}/v1`, '', key].join(' ')}}`;

const groupsOf = (parts: readonly Part[], username: string): string[] => {
  const requested = parts.flatMap(({ kind, name }) => (kind === 'Group' ? [name] : []));
  const account = parts.find(({ kind }) => kind === 'ServiceAccount');
  // Requested groups replace a service account's own groups.
  const groups =
    requested.length > 0 || account === undefined
      ? requested
      : ['system:serviceaccounts', `system:serviceaccounts:${account.namespace ?? ''}`];
  if (username === ANONYMOUS) return groups.includes(UNAUTHENTICATED) ? groups : [...groups, UNAUTHENTICATED];
  return groups.includes(AUTHENTICATED) || groups.includes(UNAUTHENTICATED) ? groups : [...groups, AUTHENTICATED];
};

const extraOf = (parts: readonly Part[]): Record<string, string[]> => {
  const extra: Record<string, string[]> = {};
  for (const { key, name } of parts) if (key !== undefined) extra[key] = [...(extra[key] ?? []), name];
  return extra;
};

/**
 * Returns the user that a request acts as: the caller, or the user whom its headers name. Throws the 403 if the caller
 * may not impersonate one of the parts, and a 400 for groups, a UID or extras without a user, which was an internal error before 1.35.
 */
export const actingUser = (cluster: ClusterState, caller: User, request: HttpRequest): User => {
  const parts = partsOf(request);
  if (parts.length === 0) return caller;
  const [who] = parts;
  if (who?.kind !== 'User' && who?.kind !== 'ServiceAccount') {
    const message = `requested [${parts.map(printed).join(' ')}] without impersonating a user`;
    throw isSince(cluster.version, '1.35')
      ? new Refusal(400, 'BadRequest', message, undefined, NOSNIFF)
      : new InternalError(request, message);
  }
  for (const { kind, name, namespace, key } of parts) {
    authorize(cluster, caller, {
      verb: 'impersonate',
      ...RESOURCES[kind],
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(key === undefined ? {} : { subresource: key }),
    });
  }
  const username = who.kind === 'User' ? who.name : `system:serviceaccount:${who.namespace ?? ''}:${who.name}`;
  const uid = parts.find(({ kind }) => kind === 'UID')?.name;
  // Access policies belong to the principal of an access entry; the impersonated user is not that principal.
  return {
    username,
    groups: groupsOf(parts, username),
    ...(uid === undefined ? {} : { uid }),
    extra: extraOf(parts),
    principalArn: caller.principalArn,
    policies: [],
  };
};
