/**
 * Authorizes calls: by the identity policies of the caller's role (from the synthesized template for the service's own
 * roles, from the scenario for others), the role's permissions boundary, the session policies and, for AssumeRole, the
 * trust policy of the assumed role. Source: IAM User Guide, "Policy evaluation logic" and "Troubleshoot access denied
 * error messages".
 */
import { closedWorld, type ParsedPolicy, type PolicyRequest } from '../../lambdas/domain/policy/index.ts';
import type { Caller } from '../http.ts';
import { awsPolicy } from '../permission/aws-policies.ts';
import { operatorRoleArn } from './access-keys.ts';
import { principalKeys, sessionOf } from './sessions.ts';
import { findRole, type RoleState, type World } from '../world/world.ts';
import type { RequiredPermission, Denial, ResourcePolicyResult } from '../permission/permission.ts';
import { decide, identityPolicy } from '../permission/decide.ts';

/** A permission that a call needed and had. */
export interface Use extends Pick<RequiredPermission, 'action' | 'resource'> {
  principalArn: string;
  /** For `iam:PassRole`: the service to which the role is passed. */
  passedTo?: string;
}

const useOf = (principalArn: string, { action, resource, context }: RequiredPermission): Use => {
  const passedTo = context?.['iam:PassedToService'];
  return { principalArn, action, resource, ...(typeof passedTo === 'string' ? { passedTo } : {}) };
};

type Kind = 'identity-based policy' | 'permissions boundary' | 'session policy' | 'resource-based policy';

/**
 * Policies of one kind; each layer has to allow the call. Layers are in the order in which IAM reports what is missing.
 */
interface Layer {
  kind: Kind;
  policies: ParsedPolicy[];
}

/** Which kind of policy denies a call, and how. */
interface Refused {
  kind: Kind;
  decision: Denial['decision'];
}

/** Layers that need not allow a call, by the principal that the trust policy names. */
const SPARED: Record<ResourcePolicyResult['names'], readonly Kind[]> = {
  session: ['identity-based policy', 'permissions boundary', 'session policy'],
  role: ['identity-based policy'],
  account: [],
};

/** Parses policies. A managed policy whose document is unknown allows nothing. */
const policiesOf = (all: readonly { arn?: string; document?: string }[]): ParsedPolicy[] =>
  all.flatMap(({ arn = '', document = awsPolicy(arn) }) => (document === undefined ? [] : [identityPolicy(document)]));

/** A role's parsed identity policies, and the texts that they were parsed from: `undefined` for AWS's own policies. */
interface ParsedRole {
  texts: readonly (string | undefined)[];
  policies: ParsedPolicy[];
}
const parsedRoles = new WeakMap<RoleState, ParsedRole>();

const isUnchanged = ({ policies, attachedPolicies }: RoleState, { texts }: ParsedRole): boolean => {
  if (texts.length !== policies.length + 2 * attachedPolicies.length) return false;
  let at = 0;
  for (const { document } of policies) if (document !== texts[at++]) return false;
  for (const { arn, document } of attachedPolicies) if (arn !== texts[at++] || document !== texts[at++]) return false;
  return true;
};

/** Returns a role's identity policies; the same list for as long as they do not change. */
const identityOf = (role: RoleState): ParsedPolicy[] => {
  const known = parsedRoles.get(role);
  if (known && isUnchanged(role, known)) return known.policies;
  const parsed = {
    texts: [
      ...role.policies.map(({ document }) => document),
      ...role.attachedPolicies.flatMap(({ arn, document }) => [arn, document]),
    ],
    policies: [...policiesOf(role.policies), ...policiesOf(role.attachedPolicies)],
  };
  parsedRoles.set(role, parsed);
  return parsed.policies;
};

const ARTICLES: Record<Kind, string> = {
  'identity-based policy': 'an',
  'permissions boundary': 'a',
  'session policy': 'a',
  'resource-based policy': 'a',
};

const reasonOf = (kind: Kind, decision: Denial['decision'], action: string): string =>
  decision === 'explicitDeny'
    ? ` with an explicit deny in ${ARTICLES[kind]} ${kind}`
    : ` because no ${kind} allows the ${action} action`;

/**
 * Returns what denies a request; undefined if it is allowed. An explicit deny in any policy comes first: "in all those
 * policies, the enforcement code looks for a Deny statement".
 */
const refusalOf = (
  layers: Layer[],
  request: PolicyRequest,
  trust: ResourcePolicyResult | undefined,
): Refused | undefined => {
  if (trust?.decision === 'explicitDeny') return { kind: 'resource-based policy', decision: 'explicitDeny' };
  let missing: Kind | undefined;
  for (const { kind, policies } of layers) {
    const decision = decide(policies, request);
    if (decision === 'explicitDeny') return { kind, decision };
    if (decision === 'implicitDeny' && !(trust && SPARED[trust.names].includes(kind))) missing ??= kind;
  }
  if (trust && trust.decision !== 'allowed') return { kind: 'resource-based policy', decision: trust.decision };
  return missing === undefined ? undefined : { kind: missing, decision: 'implicitDeny' };
};

/**
 * Returns the global key for the account that owns the resource; empty for AWS's own resources, or without resource.
 */
const ownerOf = (resource: string): Record<string, string> => {
  const account = resource.split(':')[4] ?? '';
  return /^\d{12}$/.test(account) ? { 'aws:ResourceAccount': account } : {};
};

/** Returns the global keys of a role's session over HTTPS (IAM User Guide, "AWS global condition context keys"). */
export const globalKeys = (world: World, caller: Caller, resource: string, region: string): Record<string, string> => {
  const now = world.schedule.now();
  return {
    ...principalKeys(world, caller),
    'aws:PrincipalArn': caller.principalArn,
    'aws:PrincipalAccount': caller.account,
    'aws:PrincipalType': 'AssumedRole',
    'aws:PrincipalIsAWSService': 'false',
    'aws:MultiFactorAuthPresent': 'false',
    'aws:SecureTransport': 'true',
    'aws:ViaAWSService': 'false',
    'aws:RequestedRegion': region,
    'aws:CurrentTime': new Date(now).toISOString(),
    'aws:EpochTime': String(Math.floor(now / 1000)),
    ...ownerOf(resource),
  };
};

/**
 * Returns the layers that apply to a caller. The operator is the account's administrator, limited only by session
 * policies. A role that does not exist in IAM has no permissions.
 */
const layersOf = (world: World, caller: Caller): Layer[] => {
  const role = findRole(world, caller.principalArn);
  const session = world.accessKeys.get(caller.accessKeyId)?.policies;
  const layers: Layer[] = [];
  if (role || caller.principalArn !== operatorRoleArn(world))
    layers.push({ kind: 'identity-based policy', policies: role ? identityOf(role) : [] });
  if (role?.permissionsBoundary)
    layers.push({ kind: 'permissions boundary', policies: policiesOf([role.permissionsBoundary]) });
  // "The resulting session's permissions are the intersection of the role's identity-based policy and the session
  // policies": it is enough if one of the session policies allows the call.
  if (session) layers.push({ kind: 'session policy', policies: session.map(identityPolicy) });
  return layers;
};

const requestOf = (
  world: World,
  caller: Caller,
  { action, resource, context = {} }: RequiredPermission,
  region: string,
): PolicyRequest => {
  let own: PolicyRequest['lookUp'] | undefined;
  let global: PolicyRequest['lookUp'] | undefined;
  // Contexts are built lazily: most policies use no condition keys, and others only those of the call.
  const lookUp: PolicyRequest['lookUp'] = (key) => {
    own ??= closedWorld(context);
    const state = own(key);
    if (state.state !== 'absent') return state;
    global ??= closedWorld(globalKeys(world, caller, resource, region));
    return global(key);
  };
  return { action, resource, lookUp };
};

/** Returns what denies a call; undefined if the caller may make it. Records nothing. */
export const refusalIn = (
  world: World,
  caller: Caller,
  permission: RequiredPermission,
  region: string,
): Refused | undefined =>
  refusalOf(layersOf(world, caller), requestOf(world, caller, permission, region), permission.trust);

type PassedTo = Set<string | undefined>;
type ByResource = Map<string, PassedTo>;

const newMap = <V>(): Map<string, V> => new Map<string, V>();
/** Returns the value of a key, which is created if there is none. */
const within = <V>(map: Map<string, V>, key: string, create: () => V): V => {
  const found = map.get(key);
  if (found !== undefined) return found;
  const created = create();
  map.set(key, created);
  return created;
};

export class Authorizer {
  /** Denied calls in chronological order, including those of services that call the sandbox's own functions. */
  readonly denials: Denial[] = [];
  private readonly world: World;
  private readonly used: Use[] = [];
  /** The passed services of each use, by principal, action and resource. */
  private readonly known = new Map<string, Map<string, ByResource>>();

  constructor(world: World) {
    this.world = world;
  }

  /**
   * Returns the permissions that calls have needed so far, without duplicates. Permissions that a trust policy made
   * unnecessary are not included.
   */
  uses(): Use[] {
    return [...this.used];
  }

  private note(use: Use): void {
    const { principalArn, action, resource, passedTo } = use;
    const byAction = within(this.known, principalArn, newMap<ByResource>);
    const known = within(within(byAction, action, newMap<PassedTo>), resource, () => new Set());
    if (known.has(passedTo)) return;
    known.add(passedTo);
    this.used.push(use);
  }

  /** Returns the denial of a call; undefined if the caller may make it. `region`: region of the called endpoint. */
  authorize(caller: Caller, permission: RequiredPermission, region: string): Denial | undefined {
    const { principalArn } = caller;
    const { action, named = permission.resource, trust } = permission;
    const refusal = refusalIn(this.world, caller, permission, region);
    if (!refusal) {
      if (!trust || trust.names === 'account') this.note(useOf(principalArn, permission));
      return undefined;
    }
    const { kind, decision } = refusal;
    const reason = trust && !trust.reasons ? '' : reasonOf(kind, decision, action);
    const message = `User: ${sessionOf(this.world, caller)} is not authorized to perform: ${action} on resource: ${named}${reason}`;
    const denial: Denial = { ...permission, principalArn, decision, message };
    this.denials.push(denial);
    return denial;
  }
}
