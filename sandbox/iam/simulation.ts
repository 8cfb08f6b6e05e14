/**
 * SimulatePrincipalPolicy: what a role's own policies and its permissions boundary say to a call, by the evaluator that
 * judges trust policies too.
 */
import { closedWorld, type ParsedPolicy, type PolicyRequest } from '../../lambdas/domain/policy/index.ts';
import { decide, type Decision, denies, identityPolicy } from '../authorization/decide.ts';
import type { CallContext } from '../http.ts';
import { findRole } from '../world/world.ts';
import type { RoleState, World } from '../world/world.ts';
import { checkParameters, membersOf, QueryError, required, structuresOf } from './query-protocol.ts';
import type { XmlValue } from './query-protocol.ts';
import type { QueryAction } from './query-service.ts';
import { awsPolicy } from './aws-policies.ts';
import { ARN, nameAndPath, noSuchRole, page } from './wire.ts';

interface Source {
  id: string;
  type: 'role' | 'user-managed' | 'aws-managed';
  policy: ParsedPolicy;
}

/** A managed policy whose document nobody has said allows nothing, and denies nothing. */
const sourcesOf = ({ policies, attachedPolicies }: RoleState): Source[] => [
  ...policies.map(({ name, document }): Source => ({ id: name, type: 'role', policy: identityPolicy(document) })),
  ...attachedPolicies.flatMap(({ arn, document = awsPolicy(arn) }): Source[] =>
    document === undefined
      ? []
      : [
          {
            id: nameAndPath(arn).name,
            type: arn.split(':')[4] === 'aws' ? 'aws-managed' : 'user-managed',
            policy: identityPolicy(document),
          },
        ],
  ),
];

/**
 * A role as the simulation sees it; `boundary` is empty where the world does not have its document, and then allows
 * nothing.
 */
interface Simulated {
  sources: Source[];
  boundary?: ParsedPolicy[];
}

const simulatedOf = (role: RoleState): Simulated => {
  const { permissionsBoundary: boundary } = role;
  return {
    sources: sourcesOf(role),
    ...(boundary ? { boundary: boundary.document === undefined ? [] : [identityPolicy(boundary.document)] } : {}),
  };
};

/** A Deny of either counts, and an Allow only of both. */
const limit = (own: Decision, boundary: Decision): Decision => {
  if (own === 'explicitDeny' || boundary === 'explicitDeny') return 'explicitDeny';
  return boundary === 'allowed' ? own : 'implicitDeny';
};

/** The policies of the role itself that decided it, without the positions that IAM also tells. */
const decidedBy = (sources: Source[], request: PolicyRequest, decision: Decision): XmlValue[] => {
  const decides = (policy: ParsedPolicy): boolean => {
    if (decision === 'implicitDeny') return false;
    return decision === 'explicitDeny' ? denies([policy], request) : decide([policy], request) === 'allowed';
  };
  return sources
    .filter(({ policy }) => decides(policy))
    .map(({ id, type }) => ({ SourcePolicyId: id, SourcePolicyType: type }));
};

const contextOf = (parameters: Map<string, string>): Record<string, string[]> =>
  Object.fromEntries(
    structuresOf(parameters, 'ContextEntries').map((entry) => [
      required(entry, 'ContextKeyName'),
      membersOf(entry, 'ContextKeyValues'),
    ]),
  );

/** Names of the condition keys that any statement of these policies asks for. */
const keysIn = (policies: readonly ParsedPolicy[]): string[] =>
  policies.flatMap((policy) =>
    policy.valid ? policy.statements.flatMap(({ conditions }) => conditions.map(({ key }) => key.toLowerCase())) : [],
  );

/** What is said of one action on one resource. */
interface Simulation {
  resource: string;
  decision: Decision;
  matched: XmlValue[];
  missing: string[];
  /** Whether the boundary allows it, where there is one. */
  bounded: boolean | undefined;
}

/** Keys that a policy asks for and that the call does not give are named, and absent. */
const simulate = (
  { sources, boundary }: Simulated,
  { action, resource }: { action: string; resource: string },
  context: Record<string, string[]>,
  named: World['knobs']['simulationMissingKeys'],
): Simulation => {
  const policies = sources.map(({ policy }) => policy);
  const known = closedWorld(context);
  const missing = new Set<string>(
    named === 'policies'
      ? keysIn([...policies, ...(boundary ?? [])]).filter((key) => known(key).state === 'absent')
      : [],
  );
  const request: PolicyRequest = {
    action,
    resource,
    lookUp: (key) => {
      const found = known(key);
      if (found.state === 'absent') missing.add(key);
      return found;
    },
  };
  const own = decide(policies, request);
  const limited = boundary && decide(boundary, request);
  const decision = limited === undefined ? own : limit(own, limited);
  return {
    resource,
    decision,
    matched: decidedBy(sources, request, decision),
    missing: [...missing],
    bounded: limited === undefined ? undefined : limited === 'allowed',
  };
};

/** API reference, EvaluationResult and ResourceSpecificResult: both have it where the role has a boundary. */
const boundaryDetail = (bounded: boolean | undefined): Record<string, XmlValue> =>
  bounded === undefined ? {} : { PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: String(bounded) } };

const STRICTNESS: readonly Decision[] = ['allowed', 'implicitDeny', 'explicitDeny'];
const strictest = (decisions: readonly Decision[]): Decision =>
  STRICTNESS.findLast((one) => decisions.includes(one)) ?? 'implicitDeny';

/**
 * API reference, EvaluationResult: of named resources, what is decided and missing is said of each; what stands above is
 * "the most restrictive decision across all resources".
 */
const resultOf = (action: string, name: string, all: readonly Simulation[], told: readonly Simulation[]): XmlValue => {
  const bounded = all.some((one) => one.bounded === false) ? false : all[0]?.bounded;
  const aggregate = {
    EvalActionName: action,
    EvalResourceName: name,
    EvalDecision: strictest(all.map(({ decision }) => decision)),
    MatchedStatements: all.flatMap(({ matched }) => matched),
    ...boundaryDetail(bounded),
  };
  const [first] = all;
  if (first?.resource === '*') return { ...aggregate, MissingContextValues: first.missing };
  return {
    ...aggregate,
    MissingContextValues: [],
    ResourceSpecificResults: told.map((one) => ({
      EvalResourceName: one.resource,
      EvalResourceDecision: one.decision,
      MatchedStatements: one.matched,
      MissingContextValues: one.missing,
      ...boundaryDetail(one.bounded),
    })),
  };
};

/** The role that is asked about, of the caller's account. */
const sourceRole = (world: World, parameters: Map<string, string>, { caller }: CallContext): RoleState => {
  const arn = required(parameters, 'PolicySourceArn');
  checkParameters(parameters, { PolicySourceArn: ARN });
  // Text: newrelic/newrelic-lambda-cli#96.
  if (!/^arn:[\w-]+:iam::\d{12}:(role|user|group)\/./.test(arn))
    throw new QueryError(
      400,
      'InvalidInput',
      `Invalid Entity Arn: ${arn} does not clearly define entity type and name.`,
    );
  const role = arn.split(':')[4] === caller.account ? findRole(world, arn) : undefined;
  if (!role) throw noSuchRole(nameAndPath(arn).name);
  return role;
};

export const simulatePrincipalPolicy =
  (world: World, sessionOf: (context: CallContext) => string): QueryAction =>
  (parameters, context) => {
    if (world.knobs.simulatePrincipalPolicy === 'deny') {
      const action = 'iam:SimulatePrincipalPolicy';
      throw new QueryError(
        403,
        'AccessDenied',
        `User: ${sessionOf(context)} is not authorized to perform: ${action} on resource: ${parameters.get('PolicySourceArn') ?? '*'} because no identity-based policy allows the ${action} action`,
      );
    }
    const simulated = simulatedOf(sourceRole(world, parameters, context));
    required(parameters, 'ActionNames.member.1');
    const actions = membersOf(parameters, 'ActionNames');
    const named = membersOf(parameters, 'ResourceArns');
    const resources = named.length > 0 ? named : ['*'];
    const keys = contextOf(parameters);
    const { simulationMissingKeys, simulationResults } = world.knobs;
    // API reference, EvaluationResult: "a single EvaluationResult per action", and formerly one for each resource, "each
    // containing the same aggregate decision".
    const asked = actions.flatMap((action) =>
      simulationResults === 'action'
        ? [{ action, name: resources.length > 1 ? '*' : (resources[0] ?? '*') }]
        : resources.map((resource) => ({ action, name: resource })),
    );
    const { items, ...rest } = page(asked, ({ action, name }) => `${action} ${name}`, parameters);
    return {
      ...rest,
      EvaluationResults: items.map(({ action, name }) => {
        const all = resources.map((resource) => simulate(simulated, { action, resource }, keys, simulationMissingKeys));
        const told = simulationResults === 'resource' ? all.filter(({ resource }) => resource === name) : all;
        return resultOf(action, name, all, told);
      }),
    };
  };
