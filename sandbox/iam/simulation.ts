/**
 * SimulatePrincipalPolicy: evaluates a role's own policies and its permissions boundary, with the same evaluator as for
 * trust policies.
 */
import { closedWorld, keysReadBy, type ParsedPolicy, type PolicyRequest } from '../../lambdas/domain/policy/index.ts';
import { decide, type Decision, denies, identityPolicy } from '../permission/decide.ts';
import type { CallContext } from '../http.ts';
import { findRole, type RoleState, type World } from '../world/world.ts';
import { checkParameters, membersOf, QueryError, required, structuresOf, type XmlValue } from './query-protocol.ts';
import type { QueryAction } from './query-service.ts';
import { awsPolicy } from '../permission/aws-policies.ts';
import { ARN, nameAndPath, noSuchRole, page } from './wire.ts';

interface Source {
  id: string;
  type: 'role' | 'user-managed' | 'aws-managed';
  policy: ParsedPolicy;
}

/** Returns a role's policies. A managed policy whose document is unknown is left out: it neither allows nor denies. */
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
 * The policies of a simulated role. `boundary` is empty, and then allows nothing, if the boundary's document is
 * unknown.
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

/** Combines both decisions: either can deny, but both have to allow. */
const limit = (own: Decision, boundary: Decision): Decision => {
  if (own === 'explicitDeny' || boundary === 'explicitDeny') return 'explicitDeny';
  return boundary === 'allowed' ? own : 'implicitDeny';
};

/** Returns the role's own policies that determine the decision, without the positions that IAM also reports. */
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

/** Returns the names of the condition keys, also those in policy variables, that a policy's statements use. */
const keysOf = (policy: ParsedPolicy): string[] =>
  (policy.valid ? policy.statements : [])
    .flatMap(({ conditions, resource, version }) => [
      ...conditions.map(({ key }) => key),
      ...[...(resource?.patterns ?? []), ...conditions.flatMap(({ wanted }) => wanted)].flatMap((text) =>
        keysReadBy(text, version),
      ),
    ])
    .map((key) => key.toLowerCase());

/** A parsed policy does not change, and is simulated for many actions. */
const knownKeys = new WeakMap<ParsedPolicy, string[]>();

/** Returns the condition keys that the policies use. */
const keysIn = (policies: readonly ParsedPolicy[]): string[] =>
  policies.flatMap((policy) => {
    const known = knownKeys.get(policy) ?? keysOf(policy);
    knownKeys.set(policy, known);
    return known;
  });

/** The result of simulating one action on one resource. */
interface Simulation {
  resource: string;
  decision: Decision;
  matched: XmlValue[];
  missing: string[];
  /** True if the boundary allows the action; undefined without a boundary. */
  bounded: boolean | undefined;
}

/** Simulates one action on one resource. Condition keys that the call does not provide are absent, and reported. */
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

/** Returns the boundary detail of a role with a boundary (API reference, EvaluationResult, ResourceSpecificResult). */
const boundaryDetail = (bounded: boolean | undefined): Record<string, XmlValue> =>
  bounded === undefined ? {} : { PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: String(bounded) } };

const STRICTNESS: readonly Decision[] = ['allowed', 'implicitDeny', 'explicitDeny'];
const strictest = (decisions: readonly Decision[]): Decision =>
  STRICTNESS.findLast((decision) => decisions.includes(decision)) ?? 'implicitDeny';

/**
 * Returns an EvaluationResult. For named resources, decision and missing values are reported for each; the overall
 * decision is "the most restrictive decision across all resources" (API reference).
 */
const resultOf = (
  action: string,
  name: string,
  all: readonly Simulation[],
  reported: readonly Simulation[],
): XmlValue => {
  const bounded = all.some((simulation) => simulation.bounded === false) ? false : all[0]?.bounded;
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
    ResourceSpecificResults: reported.map((simulation) => ({
      EvalResourceName: simulation.resource,
      EvalResourceDecision: simulation.decision,
      MatchedStatements: simulation.matched,
      MissingContextValues: simulation.missing,
      ...boundaryDetail(simulation.bounded),
    })),
  };
};

/** Returns the simulated role, which has to be in the caller's account. */
const sourceRole = (world: World, parameters: Map<string, string>, { caller }: CallContext): RoleState => {
  const arn = required(parameters, 'PolicySourceArn');
  checkParameters(parameters, { PolicySourceArn: ARN });
  // Message: newrelic/newrelic-lambda-cli#96.
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
    // API reference, EvaluationResult: "a single EvaluationResult per action", formerly one for each resource, "each
    // containing the same aggregate decision".
    const wanted = actions.flatMap((action) =>
      simulationResults === 'action'
        ? [{ action, name: resources.length > 1 ? '*' : (resources[0] ?? '*') }]
        : resources.map((resource) => ({ action, name: resource })),
    );
    const { items, ...rest } = page(wanted, ({ action, name }) => `${action} ${name}`, parameters);
    return {
      ...rest,
      EvaluationResults: items.map(({ action, name }) => {
        const all = resources.map((resource) => simulate(simulated, { action, resource }, keys, simulationMissingKeys));
        const reported = simulationResults === 'resource' ? all.filter(({ resource }) => resource === name) : all;
        return resultOf(action, name, all, reported);
      }),
    };
  };
