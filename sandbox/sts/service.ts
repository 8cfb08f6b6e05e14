/**
 * STS: who am I, and AssumeRole by the role's trust policy. There is no AssumeRoleWithWebIdentity: the sandbox's API
 * servers sign no tokens of service accounts that it could verify.
 */
import { assumeRoleRequest } from '../../lambdas/domain/policy/contexts.ts';
import { parsePolicy } from '../../lambdas/domain/policy/document.ts';
import { evaluate } from '../../lambdas/domain/policy/evaluate.ts';
import type { Constraint } from '../constraint.ts';
import type { Caller, Service } from '../http.ts';
import { createQueryService } from '../iam/query-service.ts';
import { QueryError, checkParameters, membersOf, required, structuresOf } from '../iam/query-protocol.ts';
import { seenTrustPolicy } from '../iam/trust-policy.ts';
import { findRole } from '../world/world.ts';
import type { RoleState, World } from '../world/world.ts';
import { issueAccessKey } from './access-keys.ts';
import { sessionArn, sessionNameOf, sessionOf } from './sessions.ts';

const API = { namespace: 'https://sts.amazonaws.com/doc/2011-06-15/', version: '2011-06-15', title: 'STS' };
const HOUR_SECONDS = 3600;
/** STS API reference, AssumeRole: session tags that one call may have. */
const MOST_TAGS = 50;

const ROLE_ARN = /^arn:[\w-]+:iam::\d{12}:role\/\S+$/;

/** An id such as AROA...: made of the ARN, so that the same role always has the same. */
const principalId = (world: World, arn: string): string =>
  findRole(world, arn)?.roleId ?? `AROA${Buffer.from(arn).toString('hex').toUpperCase().slice(-17)}`;

/** STS API model 2011-06-15. */
const ASSUME_ROLE: Record<string, Constraint> = {
  RoleArn: { length: { min: 20, max: 2048 } },
  RoleSessionName: { length: { min: 2, max: 64 }, pattern: /^[\w+=,.@-]*$/ },
  DurationSeconds: { range: { min: 900, max: 12 * HOUR_SECONDS } },
  ExternalId: { length: { min: 2, max: 1224 }, pattern: /^[\w+=,.@:/-]*$/ },
};

const TAG: Record<string, Constraint> = { Key: { length: { min: 1, max: 128 } }, Value: { length: { min: 0, max: 256 } } };

const tagsOf = (parameters: Map<string, string>): Record<string, string> => {
  const tags = structuresOf(parameters, 'Tags');
  for (const tag of tags) checkParameters(tag, TAG);
  // AWS's text is not known.
  if (tags.length > MOST_TAGS) throw new QueryError(400, 'ValidationError', `1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to ${MOST_TAGS}`);
  return Object.fromEntries(tags.map((tag) => [required(tag, 'Key'), required(tag, 'Value')]));
};

/** The first action that the role's trust policy does not allow; session tags want sts:TagSession beside sts:AssumeRole. */
const refusedAction = (world: World, role: RoleState, caller: Caller, parameters: Map<string, string>): 'sts:AssumeRole' | 'sts:TagSession' | undefined => {
  const policy = parsePolicy(seenTrustPolicy(world, role), 'trust');
  const externalId = parameters.get('ExternalId');
  const tags = tagsOf(parameters);
  const call = {
    roleArn: caller.principalArn,
    sessionArn: sessionOf(world, caller),
    account: caller.account,
    partition: caller.principalArn.split(':')[1] ?? 'aws',
    sessionName: required(parameters, 'RoleSessionName'),
    ...(externalId === undefined ? {} : { externalId }),
    tags,
    transitiveTagKeys: membersOf(parameters, 'TransitiveTagKeys'),
    now: world.schedule.now(),
  };
  const actions = Object.keys(tags).length > 0 ? (['sts:AssumeRole', 'sts:TagSession'] as const) : (['sts:AssumeRole'] as const);
  return actions.find((action) => evaluate(policy, assumeRoleRequest(call, action)).verdict !== 'allowed');
};

export const createStsService = (world: World): Service =>
  createQueryService(API, world.random, {
    GetCallerIdentity: (_parameters, { caller }) => {
      const session = sessionNameOf(world, caller);
      return {
        Arn: sessionArn(caller.principalArn, session),
        UserId: `${principalId(world, caller.principalArn)}:${session}`,
        Account: caller.account,
      };
    },

    AssumeRole: (parameters, { caller }) => {
      const arn = required(parameters, 'RoleArn');
      const sessionName = required(parameters, 'RoleSessionName');
      checkParameters(parameters, ASSUME_ROLE);
      // localstack/localstack#12885 has the text from AWS.
      if (!ROLE_ARN.test(arn)) throw new QueryError(400, 'ValidationError', `${arn} is invalid`);
      const duration = Number(parameters.get('DurationSeconds') ?? HOUR_SECONDS);
      const role = findRole(world, arn);
      // AWS does not tell a role that is not there from one that does not trust the caller; aws-actions/configure-aws-credentials#54 has the text for tags.
      const refused = role ? refusedAction(world, role, caller, parameters) : 'sts:AssumeRole';
      if (!role || refused !== undefined) throw new QueryError(403, 'AccessDenied', `User: ${sessionOf(world, caller)} is not authorized to perform: ${refused} on resource: ${arn}`);
      // Every caller of the sandbox is a role already.
      if (duration > HOUR_SECONDS) throw new QueryError(400, 'ValidationError', 'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.');
      // By the clock of those who sign, since SDKs compare it with their own; whole seconds, as the answer says it.
      const expiresAt = Math.floor(Date.now() / 1000 + duration) * 1000;
      const key = issueAccessKey(world, arn, { sessionName, expiresAt });
      return {
        AssumedRoleUser: { AssumedRoleId: `${role.roleId}:${sessionName}`, Arn: sessionArn(arn, sessionName) },
        Credentials: {
          AccessKeyId: key.accessKeyId,
          SecretAccessKey: key.secretAccessKey,
          SessionToken: key.sessionToken,
          Expiration: new Date(expiresAt).toISOString().replace(/\.\d{3}/, ''),
        },
      };
    },
  });
