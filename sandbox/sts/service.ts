/**
 * STS: GetCallerIdentity, AssumeRole by the role's trust policy and the caller's own policies, and
 * AssumeRoleWithWebIdentity by a service account token (`sandbox/credentials/web-identity.ts`).
 */
import type { AssumeRoleCall } from '../../lambdas/domain/policy/index.ts';
import type { RequiredPermission } from '../permission/permission.ts';
import type { Constraint } from '../constraint.ts';
import type { CallContext, Service } from '../http.ts';
import { roleTagKeys } from '../trust/roles.ts';
import { createQueryService, type QueryAction, type QueryPermissions } from '../iam/query-service.ts';
import { QueryError, checkParameters, membersOf, required, structuresOf } from '../iam/query-protocol.ts';
import { findRole, type World } from '../world/world.ts';
import { issueSession } from './issue.ts';
import { SESSION_POLICY, sessionPoliciesOf } from './session-policies.ts';
import { assumeRoleWithWebIdentity } from './web-identity.ts';
import { sessionArn, sessionNameOf, sessionOf, userIdOf } from '../authorization/sessions.ts';
import { type AssumeAction, trustOf } from '../trust/assume-role.ts';

const API = { namespace: 'https://sts.amazonaws.com/doc/2011-06-15/', version: '2011-06-15', title: 'STS' };
const HOUR_SECONDS = 3600;
/** Maximum of session tags in one call (STS API reference, AssumeRole). */
const MOST_TAGS = 50;

const ROLE_ARN = /^arn:[\w-]+:iam::\d{12}:role\/\S+$/;

/** STS API model 2011-06-15. */
const ASSUME_ROLE: Record<string, Constraint> = {
  RoleArn: { length: { min: 20, max: 2048 } },
  RoleSessionName: { length: { min: 2, max: 64 }, pattern: /^[\w+=,.@-]*$/ },
  DurationSeconds: { range: { min: 900, max: 12 * HOUR_SECONDS } },
  ExternalId: { length: { min: 2, max: 1224 }, pattern: /^[\w+=,.@:/-]*$/ },
  Policy: SESSION_POLICY,
};

const TAG: Record<string, Constraint> = {
  Key: { length: { min: 1, max: 128 } },
  Value: { length: { min: 0, max: 256 } },
};

const tagsOf = (parameters: Map<string, string>): Record<string, string> => {
  const tags = structuresOf(parameters, 'Tags');
  for (const tag of tags) checkParameters(tag, TAG);
  // AWS's message is not known.
  if (tags.length > MOST_TAGS)
    throw new QueryError(
      400,
      'ValidationError',
      `1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to ${MOST_TAGS}`,
    );
  return Object.fromEntries(tags.map((tag) => [required(tag, 'Key'), required(tag, 'Value')]));
};

/**
 * Returns the call as policies see it. Throws QueryError for invalid parameters, since permissions cannot be determined
 * then.
 */
const callOf = (world: World, parameters: Map<string, string>, { caller }: CallContext): AssumeRoleCall => {
  const arn = required(parameters, 'RoleArn');
  const sessionName = required(parameters, 'RoleSessionName');
  checkParameters(parameters, ASSUME_ROLE);
  // Message: localstack/localstack#12885.
  if (!ROLE_ARN.test(arn)) throw new QueryError(400, 'ValidationError', `${arn} is invalid`);
  const externalId = parameters.get('ExternalId');
  return {
    roleArn: caller.principalArn,
    sessionArn: sessionOf(world, caller),
    account: caller.account,
    partition: caller.principalArn.split(':')[1] ?? 'aws',
    resourceAccount: arn.split(':')[4] ?? '',
    sessionName,
    ...(externalId === undefined ? {} : { externalId }),
    tags: tagsOf(parameters),
    transitiveTagKeys: membersOf(parameters, 'TransitiveTagKeys'),
    now: world.schedule.now(),
  };
};

/** Returns the condition keys of a call for identity policies (Service Authorization Reference, AWS STS). */
const keysOf = ({
  sessionName,
  externalId,
  tags = {},
  transitiveTagKeys = [],
}: AssumeRoleCall): NonNullable<RequiredPermission['context']> => ({
  'sts:RoleSessionName': sessionName,
  ...(externalId === undefined ? {} : { 'sts:ExternalId': externalId }),
  ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value])),
  ...(Object.keys(tags).length === 0 ? {} : { 'aws:TagKeys': Object.keys(tags) }),
  ...(transitiveTagKeys.length === 0 ? {} : { 'sts:TransitiveTagKeys': transitiveTagKeys }),
});

/**
 * Returns the permissions for AssumeRole. AWS's error is the same for a missing role and a role that does not trust the
 * caller. Message for tags: aws-actions/configure-aws-credentials#54.
 */
const permissionsToAssume =
  (world: World): QueryPermissions =>
  (parameters, context) => {
    const call = callOf(world, parameters, context);
    const resource = required(parameters, 'RoleArn');
    const role = findRole(world, resource);
    const actions: AssumeAction[] =
      Object.keys(call.tags ?? {}).length > 0 ? ['sts:AssumeRole', 'sts:TagSession'] : ['sts:AssumeRole'];
    return actions.map((action): RequiredPermission => ({
      action,
      resource,
      context: { ...keysOf(call), ...roleTagKeys(role) },
      trust: role ? trustOf(world, role, context.caller, call, action) : { decision: 'implicitDeny', names: 'account' },
    }));
  };

const assumeRole =
  (world: World): QueryAction =>
  (parameters) => {
    const arn = required(parameters, 'RoleArn');
    const sessionName = required(parameters, 'RoleSessionName');
    const role = findRole(world, arn);
    if (!role) throw new Error(`A caller was allowed to assume ${arn}, which does not exist.`);
    const duration = Number(parameters.get('DurationSeconds') ?? HOUR_SECONDS);
    // Every caller in the sandbox is a role session, so this is role chaining.
    if (duration > HOUR_SECONDS)
      throw new QueryError(
        400,
        'ValidationError',
        'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.',
      );
    const policies = sessionPoliciesOf(world, role.arn.split(':')[4] ?? '', parameters);
    return issueSession(world, role, { sessionName, seconds: duration, policies });
  };

export const createStsService = (world: World): Service => {
  const actions: Record<string, QueryAction> = {
    GetCallerIdentity: (_parameters, { caller }) => ({
      Arn: sessionArn(caller.principalArn, sessionNameOf(world, caller)),
      UserId: userIdOf(world, caller),
      Account: caller.account,
    }),
    AssumeRole: assumeRole(world),
    AssumeRoleWithWebIdentity: assumeRoleWithWebIdentity(world),
  };
  return createQueryService(API, world.random, actions, {
    // API reference: "No permissions are required to perform this operation", not even where a policy denies it.
    GetCallerIdentity: () => [],
    AssumeRole: permissionsToAssume(world),
    // The operation has no caller: it is authorized only by the token.
    AssumeRoleWithWebIdentity: () => [],
  });
};
