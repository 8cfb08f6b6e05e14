/**
 * SimulatePrincipalPolicy: what a role's own policies and its permissions boundary say to a call, by the evaluator that
 * judges trust policies too.
 */
import { closedWorld } from '../../lambdas/domain/policy/contexts.ts';
import type { ParsedPolicy } from '../../lambdas/domain/policy/document.ts';
import type { PolicyRequest } from '../../lambdas/domain/policy/request.ts';
import { decide, type Decision, denies, identityPolicy } from '../authorization/decide.ts';
import type { CallContext } from '../http.ts';
import { findRole } from '../world/world.ts';
import type { RoleState, World } from '../world/world.ts';
import { checkParameters, membersOf, QueryError, required, structuresOf } from './query-protocol.ts';
import type { XmlValue } from './query-protocol.ts';
import type { QueryAction } from './query-service.ts';
import { ARN, nameAndPath, noSuchRole, page } from './wire.ts';

interface Source {
  id: string;
  type: 'role' | 'user-managed' | 'aws-managed';
  policy: ParsedPolicy;
}

/** A managed policy whose document the world does not have allows nothing, and denies nothing. */
const sourcesOf = ({ policies, attachedPolicies }: RoleState): Source[] => [
  ...policies.map(({ name, document }): Source => ({ id: name, type: 'role', policy: identityPolicy(document) })),
  ...attachedPolicies.flatMap(({ arn, document }): Source[] =>
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

/** Of one action on one resource. Keys that a policy asks for and that the call does not give are named, and absent. */
const simulate = (
  { sources, boundary }: Simulated,
  action: string,
  resource: string,
  context: Record<string, string[]>,
): XmlValue => {
  const missing = new Set<string>();
  const known = closedWorld(context);
  const request: PolicyRequest = {
    action,
    resource,
    lookUp: (key) => {
      const found = known(key);
      if (found.state === 'absent') missing.add(key);
      return found;
    },
  };
  const own = decide(
    sources.map(({ policy }) => policy),
    request,
  );
  const bounded = boundary && decide(boundary, request);
  const decision = bounded === undefined ? own : limit(own, bounded);
  // API reference, EvaluationResult and ResourceSpecificResult: both have it where the role has a boundary.
  const detail =
    bounded === undefined
      ? {}
      : { PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: String(bounded === 'allowed') } };
  const found = { MatchedStatements: decidedBy(sources, request, decision), MissingContextValues: [...missing] };
  // API reference, EvaluationResult: of named resources, what is missing stands with the resource.
  const specific =
    resource === '*'
      ? found
      : {
          MatchedStatements: found.MatchedStatements,
          MissingContextValues: [],
          ResourceSpecificResults: [
            { EvalResourceName: resource, EvalResourceDecision: decision, ...found, ...detail },
          ],
        };
  return { EvalActionName: action, EvalResourceName: resource, EvalDecision: decision, ...specific, ...detail };
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
    const resources = membersOf(parameters, 'ResourceArns');
    const asked = membersOf(parameters, 'ActionNames').flatMap((action) =>
      (resources.length > 0 ? resources : ['*']).map((resource) => ({ action, resource })),
    );
    const keys = contextOf(parameters);
    const { items, ...rest } = page(asked, ({ action, resource }) => `${action} ${resource}`, parameters);
    return {
      ...rest,
      EvaluationResults: items.map(({ action, resource }) => simulate(simulated, action, resource, keys)),
    };
  };
