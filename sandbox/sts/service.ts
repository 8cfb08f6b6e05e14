/** STS: who am I, and AssumeRole by the role's trust policy. */
import type { Caller, Service } from '../http.ts';
import { createQueryService } from '../iam/query-service.ts';
import { QueryError, required } from '../iam/query-protocol.ts';
import { listOf, trustStatements } from '../iam/trust-policy.ts';
import type { TrustStatement } from '../iam/trust-policy.ts';
import { findRole } from '../world/world.ts';
import type { RoleState, World } from '../world/world.ts';
import { issueAccessKey } from './access-keys.ts';

const API = { namespace: 'https://sts.amazonaws.com/doc/2011-06-15/', version: '2011-06-15', title: 'STS' };
const HOUR = 3_600_000;

/** An id such as AROA...: made of the ARN, so that the same role always has the same. */
const principalId = (world: World, arn: string): string =>
  findRole(world, arn)?.roleId ?? `AROA${Buffer.from(arn).toString('hex').toUpperCase().slice(-17)}`;

const sessionArn = (roleArn: string, session: string): string => {
  const [, partition, , , account, resource = ''] = roleArn.split(':');
  return `arn:${partition}:sts::${account}:assumed-role/${resource.split('/').at(-1) ?? ''}/${session}`;
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
    GetCallerIdentity: (_parameters, { caller }) => ({
      Arn: sessionArn(caller.principalArn, 'sandbox'),
      UserId: `${principalId(world, caller.principalArn)}:sandbox`,
      Account: caller.account,
    }),

    AssumeRole: (parameters, { caller }) => {
      const arn = required(parameters, 'RoleArn');
      const session = required(parameters, 'RoleSessionName');
      const role = findRole(world, arn);
      // AWS does not tell a role that is not there from one that does not trust the caller.
      if (!role || !mayAssume(role, caller, parameters.get('ExternalId'))) {
        throw new QueryError(403, 'AccessDenied', `User: ${sessionArn(caller.principalArn, 'sandbox')} is not authorized to perform: sts:AssumeRole on resource: ${arn}`);
      }
      const key = issueAccessKey(world, arn);
      const seconds = Number(parameters.get('DurationSeconds') ?? 3600);
      return {
        AssumedRoleUser: { AssumedRoleId: `${role.roleId}:${session}`, Arn: sessionArn(arn, session) },
        Credentials: {
          AccessKeyId: key.accessKeyId,
          SecretAccessKey: key.secretAccessKey,
          SessionToken: key.sessionToken,
          // By the clock of those who sign, since SDKs compare it with their own.
          Expiration: new Date(Date.now() + Math.min(seconds * 1000, 12 * HOUR)).toISOString().replace(/\.\d{3}/, ''),
        },
      };
    },
  });
