/** STS: who am I, and AssumeRole by the role's trust policy. */
import type { Constraint } from '../constraint.ts';
import type { Caller, Service } from '../http.ts';
import { createQueryService } from '../iam/query-service.ts';
import { QueryError, checkParameters, required } from '../iam/query-protocol.ts';
import { listOf, trustStatements } from '../iam/trust-policy.ts';
import type { TrustStatement } from '../iam/trust-policy.ts';
import { findRole } from '../world/world.ts';
import type { RoleState, World } from '../world/world.ts';
import { issueAccessKey } from './access-keys.ts';

const API = { namespace: 'https://sts.amazonaws.com/doc/2011-06-15/', version: '2011-06-15', title: 'STS' };
const HOUR_SECONDS = 3600;
/** Session name of the keys that the world starts with. */
const OWN_SESSION = 'sandbox';

const ROLE_ARN = /^arn:[\w-]+:iam::\d{12}:role\/\S+$/;

/** An id such as AROA...: made of the ARN, so that the same role always has the same. */
const principalId = (world: World, arn: string): string =>
  findRole(world, arn)?.roleId ?? `AROA${Buffer.from(arn).toString('hex').toUpperCase().slice(-17)}`;

const sessionArn = (roleArn: string, session: string): string => {
  const [, partition, , , account, resource = ''] = roleArn.split(':');
  return `arn:${partition}:sts::${account}:assumed-role/${resource.split('/').at(-1) ?? ''}/${session}`;
};

const sessionNameOf = (world: World, caller: Caller): string => world.accessKeys.get(caller.accessKeyId)?.sessionName ?? OWN_SESSION;

/** STS API model 2011-06-15. */
const ASSUME_ROLE: Record<string, Constraint> = {
  RoleArn: { length: { min: 20, max: 2048 } },
  RoleSessionName: { length: { min: 2, max: 64 }, pattern: /^[\w+=,.@-]*$/ },
  DurationSeconds: { range: { min: 900, max: 12 * HOUR_SECONDS } },
  ExternalId: { length: { min: 2, max: 1224 }, pattern: /^[\w+=,.@:/-]*$/ },
};

/**
 * Whether a statement lets that caller in. Conditions: only `StringEquals` on `sts:ExternalId` is looked at; any
 * other makes the statement count as not matching, and a Deny with one as matching.
 */
const matches = (statement: TrustStatement, caller: Caller, externalId: string | undefined): boolean => {
  const { Principal: who, Action: action, Condition: condition, Effect: effect } = statement;
  const isCaller = (arn: string): boolean =>
    arn === '*' || arn === caller.principalArn || arn === caller.account || arn === `arn:aws:iam::${caller.account}:root`;
  const named = who === '*' || (who !== undefined && listOf(who.AWS).some(isCaller));
  if (!named || !listOf(action).some((name) => ['*', 'sts:*', 'sts:assumerole'].includes(name.toLowerCase()))) return false;
  return Object.entries(condition ?? {}).every(([operator, keys]) =>
    Object.entries(keys).every(([key, value]) =>
      operator === 'StringEquals' && key === 'sts:ExternalId' ? [value].flat().includes(externalId) : effect === 'Deny',
    ),
  );
};

const mayAssume = (role: RoleState, caller: Caller, externalId: string | undefined): boolean => {
  const effects = trustStatements(role.trustPolicy)
    .filter((statement) => matches(statement, caller, externalId))
    .map((statement) => statement.Effect);
  return effects.includes('Allow') && !effects.includes('Deny');
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
      // AWS does not tell a role that is not there from one that does not trust the caller.
      if (!role || !mayAssume(role, caller, parameters.get('ExternalId'))) {
        const who = sessionArn(caller.principalArn, sessionNameOf(world, caller));
        throw new QueryError(403, 'AccessDenied', `User: ${who} is not authorized to perform: sts:AssumeRole on resource: ${arn}`);
      }
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
