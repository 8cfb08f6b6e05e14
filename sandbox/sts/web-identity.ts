/** AssumeRoleWithWebIdentity. Source: STS API Reference; messages as reported by users. */
import type { Constraint } from '../constraint.ts';
import { isRefusal } from '../credentials/refusal.ts';
import { readToken } from '../credentials/tokens.ts';
import { evaluateWebIdentity } from '../credentials/web-identity.ts';
import type { QueryAction } from '../iam/query-service.ts';
import { checkParameters, QueryError, required } from '../iam/query-protocol.ts';
import { findRole } from '../world/world.ts';
import type { ClusterState, World } from '../world/world.ts';
import { issueSession } from './issue.ts';
import { SESSION_POLICY, sessionPoliciesOf } from './session-policies.ts';

const PARAMETERS: Record<string, Constraint> = {
  RoleArn: { length: { min: 20, max: 2048 } },
  RoleSessionName: { length: { min: 2, max: 64 }, pattern: /^[\w+=,.@-]*$/ },
  WebIdentityToken: { length: { min: 4, max: 20_000 } },
  DurationSeconds: { range: { min: 900, max: 43_200 } },
  Policy: SESSION_POLICY,
};

/** IAM's default of MaxSessionDuration, for roles that do not come from the scenario. */
const DEFAULT_SESSION_SECONDS = 3600;

const clustersOf = function* ({ accounts }: World): Iterable<ClusterState> {
  for (const { clusters } of accounts.values()) yield* clusters.values();
};

export const assumeRoleWithWebIdentity =
  (world: World): QueryAction =>
  (parameters) => {
    const roleArn = required(parameters, 'RoleArn');
    const sessionName = required(parameters, 'RoleSessionName');
    const token = required(parameters, 'WebIdentityToken');
    checkParameters(parameters, PARAMETERS);
    const read = readToken(clustersOf(world), token);
    if (!read)
      throw new QueryError(
        400,
        'InvalidIdentityToken',
        'No OpenIDConnect provider found in your account for the token',
      );
    const { cluster, claims } = read;
    const now = Math.floor(world.schedule.now() / 1000);
    if (claims.expiresAt <= now)
      throw new QueryError(
        400,
        'ExpiredTokenException',
        `Token expired: current date/time ${now} must be before the expiration date/time${claims.expiresAt}`,
      );
    const { namespace, serviceAccount, audiences } = claims;
    const result = evaluateWebIdentity(
      world,
      cluster,
      { namespace, serviceAccount: serviceAccount.name, audiences },
      { roleArn, sessionName },
    );
    if (isRefusal(result)) throw new QueryError(result.refused.status, result.refused.code, result.refused.message);
    const role = findRole(world, roleArn);
    if (!role) throw new Error(`A token was allowed to assume ${roleArn}, which does not exist.`);
    const policies = sessionPoliciesOf(world, roleArn.split(':')[4] ?? '', parameters);
    const asked = parameters.get('DurationSeconds');
    // Message: kreuzwerker/awsu#27.
    if (asked !== undefined && Number(asked) > (role.maxSessionDuration ?? DEFAULT_SESSION_SECONDS))
      throw new QueryError(
        400,
        'ValidationError',
        'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
      );
    const seconds = Number(asked ?? world.knobs.irsaSessionSeconds);
    return {
      ...issueSession(world, role, { sessionName, seconds, policies }),
      SubjectFromWebIdentityToken: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
      Provider: result.provider.arn,
      Audience: result.audience,
    };
  };
