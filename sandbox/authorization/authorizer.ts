/**
 * Whether a caller may make a call: by the identity policies of its role, which come from the synthesised template for
 * the service's own and from the scenario for others, by the role's permissions boundary, by its session's policies
 * and, where it assumes a role, by that role's trust policy. Source: IAM User Guide, "Policy evaluation logic" and
 * "Troubleshoot access denied error messages".
 */
import { closedWorld, type ParsedPolicy, type PolicyRequest } from '../../lambdas/domain/policy/index.ts';
import type { Caller } from '../http.ts';
import { awsPolicy } from '../iam/aws-policies.ts';
import { operatorRoleArn } from '../sts/access-keys.ts';
import { principalKeys, sessionOf } from '../sts/sessions.ts';
import { findRole } from '../world/world.ts';
import type { RoleState, World } from '../world/world.ts';
import { decide, type Decision, identityPolicy } from './decide.ts';

/** What one call wants: the action as policies write it, on which resource. */
export interface Asked {
  /** Such as `eks:CreateAddon`. */
  action: string;
  /**
   * ARN, or `*` where the action has no resource. A part that nobody knows before the call, such as an id, is `*` too.
   */
  resource: string;
  /** Condition keys of this call beside the global ones, such as `iam:PassedToService`. */
  context?: Record<string, string | readonly string[]>;
  /** How a refusal names the resource, where it is not by its ARN: IAM says `role NAME`. */
  named?: string;
  /**
   * What the resource's own policy says, where that has a say: of a role that is assumed its trust policy, of a bucket
   * the bucket's.
   */
  trust?: Trust;
}

/**
 * What a trust policy, or another one of a resource, says to a call, and whom it names where it allows it: that decides
 * what else has to.
 */
export interface Trust {
  decision: Decision;
  /** Whether a refusal says which policy it is for. That of a role that is assumed does not. */
  reasons?: boolean;
  /**
   * `session`: the caller's session itself, or everybody; what nothing else allows does no harm. `role`: its role;
   * identity policies need not allow it, a boundary and session policies still have to. `account`: its account, or it
   * is of another account; all the others have to allow it too.
   */
  names: 'session' | 'role' | 'account';
}

/** A call that was refused, with what AWS says of it. */
export interface Denial extends Asked {
  /** ARN of the role that called. */
  principalArn: string;
  decision: Exclude<Decision, 'allowed'>;
  /** `User: … is not authorized to perform: … on resource: … because …`. */
  message: string;
}

/** A right that a call rested on. */
export interface Use extends Pick<Asked, 'action' | 'resource'> {
  principalArn: string;
  /** Of `iam:PassRole`: the service that the role is for. */
  passedTo?: string;
}

const useOf = (principalArn: string, { action, resource, context }: Asked): Use => {
  const passedTo = context?.['iam:PassedToService'];
  return { principalArn, action, resource, ...(typeof passedTo === 'string' ? { passedTo } : {}) };
};

type Kind = 'identity-based policy' | 'permissions boundary' | 'session policy' | 'resource-based policy';

/** In the order in which IAM says what is missing. Each of them has to allow the call. */
interface Layer {
  kind: Kind;
  policies: ParsedPolicy[];
}

/** Which policies refuse a call, and how. */
interface Refused {
  kind: Kind;
  decision: Denial['decision'];
}

/** Which layers need not allow it, by whom the trust policy names. */
const SPARED: Record<Trust['names'], readonly Kind[]> = {
  session: ['identity-based policy', 'permissions boundary', 'session policy'],
  role: ['identity-based policy'],
  account: [],
};

/** A managed policy whose document nobody has said allows nothing. */
const policiesOf = (all: readonly { arn?: string; document?: string }[]): ParsedPolicy[] =>
  all.flatMap(({ arn = '', document = awsPolicy(arn) }) => (document === undefined ? [] : [identityPolicy(document)]));

const identityOf = (role: RoleState | undefined): ParsedPolicy[] =>
  role ? [...policiesOf(role.policies), ...policiesOf(role.attachedPolicies)] : [];

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
 * What refuses it. An explicit deny comes first, wherever it is: "in all those policies, the enforcement code looks for
 * a Deny statement".
 */
const refusalOf = (layers: Layer[], request: PolicyRequest, trust: Trust | undefined): Refused | undefined => {
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

/** "Global keys: the account that owns the resource"; none for one of AWS itself, or where the call has no resource. */
const ownerOf = (resource: string): Record<string, string> => {
  const account = resource.split(':')[4] ?? '';
  return /^\d{12}$/.test(account) ? { 'aws:ResourceAccount': account } : {};
};

/** Global keys: IAM User Guide, "AWS global condition context keys", of a role's session over HTTPS. */
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
 * The operator is the account's administrator, limited by session policies alone. A role that IAM does not have has
 * no rights.
 */
const layersOf = (world: World, caller: Caller): Layer[] => {
  const role = findRole(world, caller.principalArn);
  const session = world.accessKeys.get(caller.accessKeyId)?.policies;
  const layers: Layer[] = [];
  if (role || caller.principalArn !== operatorRoleArn(world))
    layers.push({ kind: 'identity-based policy', policies: identityOf(role) });
  if (role?.permissionsBoundary)
    layers.push({ kind: 'permissions boundary', policies: policiesOf([role.permissionsBoundary]) });
  // "The resulting session's permissions are the intersection of the role's identity-based policy and the session
  // policies": any of them may allow it.
  if (session) layers.push({ kind: 'session policy', policies: session.map(identityPolicy) });
  return layers;
};

const requestOf = (
  world: World,
  caller: Caller,
  { action, resource, context = {} }: Asked,
  region: string,
): PolicyRequest => {
  let own: PolicyRequest['lookUp'] | undefined;
  let global: PolicyRequest['lookUp'] | undefined;
  // Most policies ask for none, and others for those of the call alone.
  const lookUp: PolicyRequest['lookUp'] = (key) => {
    own ??= closedWorld(context);
    const state = own(key);
    if (state.state !== 'absent') return state;
    global ??= closedWorld(globalKeys(world, caller, resource, region));
    return global(key);
  };
  return { action, resource, lookUp };
};

/** What refuses that call of the caller; undefined where it may make it. Nothing is noted. */
export const refusalIn = (world: World, caller: Caller, asked: Asked, region: string): Refused | undefined =>
  refusalOf(layersOf(world, caller), requestOf(world, caller, asked, region), asked.trust);

export class Authorizer {
  /** In order. Who calls the service's own functions is here as well. */
  readonly denials: Denial[] = [];
  private readonly world: World;
  private readonly used = new Map<string, Use>();

  constructor(world: World) {
    this.world = world;
  }

  /**
   * The rights that calls have rested on so far, each once: those that a trust policy made needless are not among them.
   */
  uses(): Use[] {
    return [...this.used.values()];
  }

  /** The refusal of that call; undefined where the caller may make it. `region`: of the endpoint that was called. */
  authorize(caller: Caller, asked: Asked, region: string): Denial | undefined {
    const { principalArn } = caller;
    const { action, resource, named = resource, trust } = asked;
    const refusal = refusalIn(this.world, caller, asked, region);
    if (!refusal) {
      const use = useOf(principalArn, asked);
      if (!trust || trust.names === 'account')
        this.used.set(`${principalArn} ${action} ${resource} ${use.passedTo ?? ''}`, use);
      return undefined;
    }
    const { kind, decision } = refusal;
    const reason = trust && !trust.reasons ? '' : reasonOf(kind, decision, action);
    const message = `User: ${sessionOf(this.world, caller)} is not authorized to perform: ${action} on resource: ${named}${reason}`;
    const denial: Denial = { ...asked, principalArn, decision, message };
    this.denials.push(denial);
    return denial;
  }
}
