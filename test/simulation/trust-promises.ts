/** Promises about trust policies: which statements may change, and when. */
import { isDeepStrictEqual } from 'node:util';
import { clusterArn } from '../../lambdas/domain/aws/arn.ts';
import type { Migration } from '../../lambdas/domain/record/migration.ts';
import { irsaRoleOf } from '../../lambdas/domain/verification/irsa.ts';
import { evaluateTrust, parsePolicy } from '../../lambdas/domain/policy/index.ts';
import { isObject } from '../../sandbox/json.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import { OTHER_STATEMENT } from './actor.ts';
import { inputOf, keyOf } from './calls.ts';
import { happened } from './life-effects.ts';
import { allMigrations, changes, effective, migrationOf } from './observe.ts';
import { about, interfered, mayBeHeldByConsumers, plannedOf, type Promised } from './promised.ts';
import { type RunResult, trustPoliciesOf } from './run.ts';
import { isTransient } from '../faults/kinds.ts';

type Statement = Record<string, unknown>;

const statementsOf = (policy: string | undefined): Statement[] => {
  const document: unknown = policy === undefined ? undefined : JSON.parse(policy);
  return isObject(document) ? [document['Statement']].flat().filter(isObject) : [];
};

/**
 * Returns the statements of the first policy that the second does not have; a statement that occurs twice counts twice.
 */
const without = (statements: readonly Statement[], others: readonly Statement[]): Statement[] => {
  const left = [...others];
  return statements.filter((statement) => {
    const at = left.findIndex((other) => isDeepStrictEqual(other, statement));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
};

const asks = ({ request }: Migration): boolean => request.trust === 'repair';

/** Returns whether a statement allows EKS Pod Identity of this cluster and nothing else. */
const isNarrow = ({ Effect, Principal, Condition }: Statement, { request, plan }: Migration): boolean => {
  const conditions = isObject(Condition) ? Object.values(Condition).filter(isObject) : [];
  const wants = (key: string, value: string): boolean =>
    conditions.some((keys) => [keys[key]].flat().every((one) => one === value) && keys[key] !== undefined);
  const accounts = plan?.associations.map((one) => one.serviceAccount) ?? [];
  const named = conditions.flatMap((keys) => [keys['aws:RequestTag/kubernetes-service-account'] ?? []].flat());
  return (
    Effect === 'Allow' &&
    isDeepStrictEqual(Principal, { Service: 'pods.eks.amazonaws.com' }) &&
    wants('aws:SourceAccount', request.target.account) &&
    wants('aws:SourceArn', clusterArn(request.target)) &&
    named.length > 0 &&
    named.every((one) => accounts.some((name) => name === one))
  );
};

/**
 * Returns the trust policies at the end, without those of retired migrations, which have lost statements on purpose.
 */
const policiesAtTheEnd = (result: RunResult): Map<string, string> => {
  const retired = new Set(
    result.migrations.flatMap(({ record }) => record?.retirements.map((one) => one.roleArn) ?? []),
  );
  return new Map(
    [...trustPoliciesOf(result.sandbox)].filter(([arn]) => result.retirements.length === 0 || !retired.has(arn)),
  );
};

/**
 * Returns the writes that overwrote a third-party statement although their invocation could have seen it. IAM has no
 * conditional writes.
 */
const overwritten = (result: RunResult): string[] => {
  const { actor } = result;
  if (!actor?.accepted || actor.spec.does !== 'change-trust' || actor.afterLine === undefined) return [];
  const { afterLine } = actor;
  const { calls } = result.sandbox.world.log;
  const act = calls.find(
    (call) =>
      call.n > afterLine && call.step === undefined && call.operation === 'UpdateAssumeRolePolicy' && call.status < 300,
  );
  if (!act) return [];
  const sawIt = (call: Call): boolean =>
    calls.some(
      (one) => one.n > act.n && one.n < call.n && one.invocation === call.invocation && one.operation === 'GetRole',
    );
  return effective(changes(result))
    .filter(
      (call) =>
        call.n > act.n &&
        call.operation === 'UpdateAssumeRolePolicy' &&
        sawIt(call) &&
        !String(inputOf(call)['PolicyDocument']).includes(OTHER_STATEMENT.Sid),
    )
    .map((call) => `${about(call)} overwrote a third-party statement of a trust policy`);
};

/** Returns whether the role's owner has removed the statement. */
const isBrokenByLife = (result: RunResult, { Principal }: Statement): boolean =>
  isObject(Principal) &&
  Principal['Federated'] !== undefined &&
  happened(result, 'break-irsa').some(({ event }) => event.does === 'break-irsa' && event.what === 'trust');

export const trustStays: Promised = {
  name: 'oidc-trust-stays',
  statement:
    "The role's OIDC trust stays: no existing statement, and none that a third party adds, is changed or removed except by a retirement.",
  broken: (result) => [
    ...overwritten(result),
    ...[...policiesAtTheEnd(result)].flatMap(([arn, now]) =>
      without(statementsOf(result.before.trustPolicies.get(arn)), statementsOf(now))
        .filter((statement) => !isBrokenByLife(result, statement))
        .map((statement) => `the trust policy of ${arn} lost ${JSON.stringify(statement)}`),
    ),
  ],
};

export const repairIsSafe: Promised = {
  name: 'trust-repair-is-safe',
  statement:
    'A trust policy is changed only on request, by one narrow statement that the ledger stores first; after a rollback the policy does not have it.',
  broken: (result) => {
    const problems: string[] = [];
    const records = allMigrations(result).flatMap(({ record }) => record ?? []);
    const { calls } = result.sandbox.world.log;
    for (const call of effective(changes(result)).filter((one) => one.operation === 'UpdateAssumeRolePolicy')) {
      const id = migrationOf(result, call.execution);
      const noted = calls.some(
        (one) =>
          one.n < call.n &&
          one.status < 300 &&
          /^(Put|Update)Item$/.test(one.operation) &&
          keyOf(one)?.pk === `MIGRATION#${id}` &&
          /^(REPAIR|RETIREMENT)#/.test(keyOf(one)?.sk ?? ''),
      );
      if (!noted) problems.push(`${about(call)} changed a trust policy that the ledger had not stored`);
      const record = records.find(({ migrationId }) => migrationId === id);
      if (call.step === 'repair-trust' && record && !asks(record))
        problems.push(`${about(call)} repaired a trust policy although the request does not ask for it`);
      if (String(inputOf(call)['PolicyDocument']).length > 2048)
        problems.push(`${about(call)} wrote more than IAM accepts`);
    }
    for (const [arn, now] of policiesAtTheEnd(result)) {
      const added = without(statementsOf(now), [
        ...statementsOf(result.before.trustPolicies.get(arn)),
        OTHER_STATEMENT,
      ]);
      const owners = records.filter((record) =>
        record.trustChanges.some(
          (change) =>
            change.roleArn === arn && added.some((statement) => isDeepStrictEqual(statement, change.statement)),
        ),
      );
      if (added.length > 0 && owners.length === 0)
        problems.push(
          `the trust policy of ${arn} has the additional statements ${JSON.stringify(added)}, which no migration has recorded`,
        );
      // Add-ons that share the role have one statement each.
      if (added.length > owners.length)
        problems.push(
          `the trust policy of ${arn} has ${added.length} additional statements by ${owners.length} migrations`,
        );
      for (const statement of added)
        if (!owners.some((record) => isNarrow(statement, record)))
          problems.push(
            `the trust policy of ${arn} has an additional statement that is too wide: ${JSON.stringify(statement)}`,
          );
      for (const record of owners) {
        const left = record.trustChanges.some(
          (change) =>
            change.roleArn === arn && added.some((statement) => isDeepStrictEqual(statement, change.statement)),
        );
        const gone = record.outcome === 'rolled-back' || record.outcome === 'blocked';
        const shared = records.some(
          (other) =>
            other !== record &&
            other.outcome === 'migrated' &&
            other.plan?.associations.some((one) => one.roleArn === arn),
        );
        if (left && gone && !shared && !interfered(result))
          problems.push(
            `${record.migrationId} ended ${record.outcome ?? ''}, but its statement is still in the trust policy of ${arn}`,
          );
      }
    }
    return problems;
  },
};

/**
 * Returns whether the role allows a pattern of service accounts, as in EKS's guide for the EFS CSI driver. Only a
 * person knows which service accounts still need it.
 */
function allowedByPattern({ before, migrations, spec }: RunResult, migrationId: string): boolean {
  const { others } = spec.consumers?.pattern ?? {};
  if (others && spec.scenario === 'service-account')
    return !others.every((one) => (one.associated ?? one.accepted) && !one.annotated);
  const plan = migrations.find((one) => one.migrationId === migrationId)?.record?.plan;
  const roleArn = plan && irsaRoleOf(plan);
  const policy = roleArn === undefined ? undefined : before.trustPolicies.get(roleArn);
  return statementsOf(policy).some(({ Condition }) =>
    /"system:serviceaccount:[^"]*[*?]/.test(JSON.stringify(Condition ?? {})),
  );
}

export const retiresOnlyItsOwn: Promised = {
  name: 'retire-removes-only-its-own',
  statement:
    "Retire removes this cluster's OIDC trust of the migrated service accounts and nothing else; what it removed can be reinstated, and the record shows how the last retirement ended.",
  broken: (result) => {
    const problems: string[] = [];
    for (const { id, migrationId, action, status, error, trustPolicies } of result.retirements) {
      const record = result.migrations.find((one) => one.migrationId === migrationId)?.record;
      const roleArn = record?.plan && irsaRoleOf(record.plan);
      const issuer = result.cluster.oidcIssuer ?? '';
      if (!record || roleArn === undefined) continue;
      if (status === 'SUCCEEDED' && action === 'retire' && record.request.verification === 'api')
        problems.push(`${migrationId} was retired although the service may not read its pods`);
      const isLast = result.retirements.findLast((one) => one.migrationId === migrationId)?.id === id;
      const { retirement } = record;
      if (isLast && status === 'SUCCEEDED' && (retirement?.id !== id || retirement.state !== 'ended'))
        problems.push(`the record of ${migrationId} shows its last retirement as ${retirement?.state ?? 'none'}`);
      for (const { namespace, serviceAccount } of plannedOf(record)) {
        const use = { clusterArn: clusterArn(record.request.target), namespace, serviceAccount, oidcIssuer: issuer };
        const verdicts = (policy: string | undefined) => evaluateTrust(parsePolicy(policy ?? '', 'trust'), use);
        const was = verdicts(result.before.trustPolicies.get(roleArn));
        const now = verdicts(trustPolicies.get(roleArn));
        const what = `${action} of ${migrationId} (${status}${error === undefined ? '' : `, ${error}`})`;
        if (now.podIdentity.verdict !== 'allowed')
          problems.push(`after ${what} ${roleArn} does not allow ${serviceAccount} by Pod Identity`);
        if (status === 'SUCCEEDED' && action === 'retire' && now.irsa.verdict === 'allowed')
          problems.push(`after ${what} ${roleArn} still allows ${serviceAccount} by OIDC`);
        if (status === 'SUCCEEDED' && action === 'reinstate' && now.irsa.verdict !== was.irsa.verdict)
          problems.push(
            `after ${what} the OIDC trust of ${roleArn} for ${serviceAccount} is ${now.irsa.verdict} instead of ${was.irsa.verdict}`,
          );
      }
      // Every other principal is still allowed: the removed statements name only this cluster's provider.
      const host = issuer.replace(/^https:\/\//, '');
      for (const [arn, now] of trustPolicies) {
        const lost = without(statementsOf(result.before.trustPolicies.get(arn)), statementsOf(now));
        for (const statement of lost)
          if (arn !== roleArn || !JSON.stringify(statement).includes(host))
            problems.push(`retire removed ${JSON.stringify(statement)} from ${arn}`);
      }
    }
    const { faults, actor, stranger, held, knobs = {} } = result.spec;
    const nothingLasts = faults.length <= 1 && faults.every(({ kind, persists }) => isTransient(kind) && !persists);
    // An add-on that still has the role, and a service account that still names it, may need the trust.
    const mayBeNeeded =
      knobs['keepIrsaRole'] === true ||
      knobs['annotationAfterRecreate'] === 'keep' ||
      result.migrations.some(({ record }) => record?.outcome !== 'migrated' || record.verified !== 'injected');
    if (
      nothingLasts &&
      !actor &&
      !stranger &&
      !held &&
      !mayBeNeeded &&
      !mayBeHeldByConsumers(result.spec, 'retirement')
    ) {
      // A lock that could not be released blocks the next retirement until Recover finds it.
      const failed = result.retirements.filter(
        ({ status, action, migrationId }) =>
          status !== 'SUCCEEDED' &&
          (action === 'retire' || faults.length === 0) &&
          !allowedByPattern(result, migrationId),
      );
      problems.push(
        ...failed.map(
          ({ migrationId, action, error }) =>
            `${action} of ${migrationId} did not succeed although nothing prevented it: ${error ?? ''}`,
        ),
      );
    }
    return problems;
  },
};
