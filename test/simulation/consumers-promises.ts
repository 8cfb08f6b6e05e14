/** The promises about who else uses the old identity: nothing of it is taken away before its users are named. */
import { acceptedNames, accepts } from '../../lambdas/domain/acceptance/accept.ts';
import { clusterArn } from '../../lambdas/domain/aws/arn.ts';
import type { MigrationRequest } from '../../lambdas/domain/request/request.ts';
import type { Plan } from '../../lambdas/domain/record/plan.ts';
import { type ServiceAccountRef, subjectOf } from '../../lambdas/domain/terms/subject.ts';
import { evaluateTrust, parsePolicy } from '../../lambdas/domain/policy/index.ts';
import { isObject } from '../../sandbox/json.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import { annotationOf } from './cluster.ts';
import { type ConsumerGap, type ConsumerWatch, keyOf } from './consumer-watch.ts';
import type { PlacedConsumer } from './consumers.ts';
import { allMigrations, changes, migrationOf } from './observe.ts';
import { about, interfered, type Promised } from './promised.ts';
import type { RunResult, SimulatedMigration } from './run.ts';

/** Returns the last change by the service before a gap. A change whose reply is an error may have happened. */
const causeOf = (result: RunResult, { line }: ConsumerGap): Call | undefined =>
  changes(result).findLast(({ n, status }) => n <= line && (status < 400 || status >= 500));

/** Returns the consumers that the execution of a change accepts: those of the retirement, or of its request. */
const acceptedBy = (result: RunResult, { step, execution = '' }: Call): readonly string[] => {
  if (step === 'retire-trust') {
    const input: unknown = JSON.parse(result.sandbox.executions.execution(execution).input);
    const accept = isObject(input) ? input['accept'] : undefined;
    return acceptedNames({ accept: Array.isArray(accept) ? accept.map(String) : [] }, 'consumer');
  }
  const id = migrationOf(result, execution);
  const migration = allMigrations(result).find(({ migrationId }) => migrationId === id);
  return migration ? acceptedNames(migration.request, 'consumer') : [];
};

/** Returns the number of the first call of the last plan of a migration that began before a call. */
const planBegan = (result: RunResult, migrationId: string, before = Number.POSITIVE_INFINITY): number => {
  const { calls } = result.sandbox.world.log;
  const plan = calls.findLast(
    ({ n, step, execution }) => n < before && step === 'plan' && migrationOf(result, execution) === migrationId,
  );
  return calls.find(({ invocation }) => invocation !== undefined && invocation === plan?.invocation)?.n ?? 0;
};

/** Returns whether a consumer appeared too late for what decided about the change: the invocation itself, or the plan. */
const appearedTooLate = (result: RunResult, { appeared = 0 }: PlacedConsumer, cause: Call): boolean => {
  const { calls } = result.sandbox.world.log;
  const decides = cause.step === 'annotate-service-account' || cause.step === 'retire-trust';
  const from = decides
    ? (calls.find(({ invocation }) => invocation === cause.invocation)?.n ?? 0)
    : planBegan(result, migrationOf(result, cause.execution), cause.n);
  return appeared >= from;
};

/** Returns whether the service may not read the objects of a resource; no API server at all is one such case. */
const isUnread = ({ sandbox, cluster, spec }: RunResult, { spec: { is } }: PlacedConsumer): boolean =>
  spec.scenario === 'api' ||
  spec.consumers?.unread?.some((one) => one.is === is) === true ||
  sandbox.world.accounts.get(cluster.account) === undefined;

const checkOf = (plan: Plan | undefined) => plan?.checks.find(({ id }) => id === 'consumers');

/**
 * Returns whether the plan of an add-on has reported that the consumers cannot be read: EKS removes the annotation with
 * the role, and what cannot be read does not keep an add-on from migrating.
 */
const wasWarned = (result: RunResult, one: PlacedConsumer, cause: Call): boolean => {
  const id = migrationOf(result, cause.execution);
  const { request, record } = allMigrations(result).find(({ migrationId }) => migrationId === id) ?? {};
  if (request?.addon === undefined || cause.step === 'retire-trust' || !isUnread(result, one)) return false;
  const check = checkOf(record?.plan);
  return request.verification === 'api' || (check !== undefined && check.status !== 'pass');
};

/**
 * Returns whether a consumer that keeps its identity is only interrupted, and was named: the service accounts of an add-on
 * that is deleted do not exist until it is created again.
 */
const isInterrupted = (result: RunResult, { name, to, why }: ConsumerGap, cause: Call): boolean => {
  const id = migrationOf(result, cause.execution);
  const plan = allMigrations(result).find(({ migrationId }) => migrationId === id)?.record?.plan;
  return (
    cause.operation === 'DeleteAddon' &&
    to !== undefined &&
    why.endsWith('not found') &&
    plan?.consumers?.some((one) => one.name === name) === true
  );
};

const isAccepted = (accepted: readonly string[], { name, resource }: PlacedConsumer, unread: boolean): boolean =>
  accepted.includes(name) || (unread && accepted.includes(resource));

const textOf = ({ name, from, to, why }: ConsumerGap): string =>
  `${name} got no credentials at ${new Date(from).toISOString()}${to === undefined ? ', permanently' : ` for ${(to - from) / 1000} s`} (${why})`;

/** Returns the gaps of a run that nothing but the service can have caused. */
const gapsOf = (result: RunResult): { gap: ConsumerGap; one: PlacedConsumer }[] => {
  const { consumers } = result;
  if (!consumers || interfered(result)) return [];
  return consumers.gaps.flatMap((gap) => {
    const one = consumers.placed.find((each) => keyOf(each) === keyOf(gap));
    return one ? [{ gap, one }] : [];
  });
};

export const usersAreNamed: Promised = {
  name: 'users-are-named',
  statement:
    'A consumer of a web identity that works keeps working at every event of a run, unless the request or the retirement that took the identity away accepts it by name, or its resource, which the service may not read. One that the plan names may be interrupted while an add-on is deleted and created again.',
  broken: (result) =>
    gapsOf(result).flatMap(({ gap, one }) => {
      const cause = causeOf(result, gap);
      if (!cause) return [`${textOf(gap)}, and nothing had been changed`];
      const isExcused =
        isAccepted(acceptedBy(result, cause), one, isUnread(result, one)) ||
        appearedTooLate(result, one, cause) ||
        wasWarned(result, one, cause) ||
        isInterrupted(result, gap, cause);
      return isExcused ? [] : [`${textOf(gap)} after ${about(cause)}, which did not accept it by name`];
    }),
};

/** Returns the first migration that the consumers of a run are about. */
const concerned = ({ migrations }: RunResult): SimulatedMigration[] => {
  const [first] = migrations;
  return migrations.filter(({ request }) => first && subjectOf(request) === subjectOf(first.request));
};

/** Returns the names of a plan that the consumers of the run should have, and those that it should not have. */
function namesOfPlan(result: RunResult, watch: ConsumerWatch, { migrationId, record }: SimulatedMigration): string[] {
  const named = new Set((record?.plan?.consumers ?? []).map(({ name }) => name));
  const began = planBegan(result, migrationId);
  const worked = (one: PlacedConsumer): boolean =>
    watch.had.has(keyOf(one)) && !watch.gaps.some((gap) => keyOf(gap) === keyOf(one) && gap.line < began);
  return watch.placed.flatMap((one) => {
    const { name, appeared, uses } = one;
    if (named.has(name))
      return uses && appeared !== undefined && !isUnread(result, one)
        ? []
        : [`the plan of ${migrationId} names ${name}, which does not use the identity`];
    const isThere = uses && appeared !== undefined && appeared < began;
    return isThere && worked(one) && !isUnread(result, one)
      ? [`the plan of ${migrationId} does not name ${name}, which uses the identity`]
      : [];
  });
}

/** Kinds whose software reads the role in the annotation. */
const READS_ANNOTATION: ReadonlySet<PlacedConsumer['spec']['is']> = new Set([
  'SecretStore',
  'ClusterSecretStore',
  'ECRAuthorizationToken',
  'Bucket',
  'SecretProviderClass',
]);

/**
 * Returns consumers for which the annotation stayed, and which no warning of the migration names. After a fault it may
 * have stayed for another reason.
 */
function unnamedAtTheEnd(
  result: RunResult,
  watch: ConsumerWatch,
  { migrationId, request, record }: SimulatedMigration,
): string[] {
  const { serviceAccount: account } = request;
  const { calls } = result.sandbox.world.log;
  const read = calls.find(
    ({ step, execution }) => step === 'annotate-service-account' && migrationOf(result, execution) === migrationId,
  );
  if (
    result.spec.faults.length > 0 ||
    !read ||
    !account ||
    record?.outcome !== 'migrated' ||
    annotationOf(result.cluster, account) === undefined
  )
    return [];
  return watch.placed
    .filter(
      (one) =>
        one.uses &&
        READS_ANNOTATION.has(one.spec.is) &&
        one.appeared !== undefined &&
        one.appeared < read.n &&
        !isUnread(result, one) &&
        !accepts(request, 'consumer', one.name) &&
        !record.warnings.some(({ message }) => message.includes(one.name)),
    )
    .map(({ name }) => `${migrationId} left the annotation to ${name}, and no warning of its end names it`);
}

export const plansNameUsers: Promised = {
  name: 'plans-name-users',
  statement:
    "A plan names every consumer that uses the web identity of its service accounts and works, and none that uses another service account's. If the annotation stays because of one that appeared since, a warning at the end names it.",
  broken: (result) => {
    const { consumers } = result;
    if (!consumers || interfered(result)) return [];
    // A plan that ends early, since the add-on is being changed, has checked neither pods nor objects.
    return concerned(result)
      .filter(({ record }) => record?.plan?.verdict === 'migrate' || checkOf(record?.plan))
      .flatMap((one) => [...namesOfPlan(result, consumers, one), ...unnamedAtTheEnd(result, consumers, one)]);
  },
};

/** Crossplane's providers insist on the environment that IRSA gives their own pods. */
const needsOldPods = ({ spec: { is } }: PlacedConsumer): boolean => is === 'ProviderConfig';

const removes = ({ addon, annotation }: MigrationRequest): boolean => addon !== undefined || annotation === 'remove';

export const keptAnnotationBreaksNothing: Promised = {
  name: 'kept-annotation-breaks-nothing',
  statement:
    'Without a retirement, a migration of a service account that keeps the annotation takes nothing of the old identity away: the annotation stays, and every consumer keeps working, also those that the request accepts, except those that insist on the IRSA environment of the pods.',
  broken: (result) => {
    const migrations = allMigrations(result);
    if (interfered(result) || result.retirements.length > 0 || migrations.some(({ request }) => removes(request)))
      return [];
    const lost = migrations.flatMap(({ request: { serviceAccount } }) => {
      if (!serviceAccount) return [];
      const key = `${serviceAccount.namespace}/${serviceAccount.name}`;
      const was = result.before.annotations.get(key);
      const is = annotationOf(result.cluster, serviceAccount);
      return was === is ? [] : [`the annotation of ${key} was ${was ?? 'missing'} and is ${is ?? 'missing'}`];
    });
    return [
      ...lost,
      ...gapsOf(result)
        .filter(({ one }) => !needsOldPods(one))
        .map(({ gap }) => `${textOf(gap)}, although the annotation is kept`),
    ];
  },
};

export const retiredPairsAreServed: Promised = {
  name: 'retired-pairs-are-served',
  statement:
    'A retirement takes the OIDC trust only from service accounts that have an association, or that it accepts by name: also with a pattern that allows many.',
  broken: (result) => {
    const issuer = result.cluster.oidcIssuer ?? '';
    return result.retirements.flatMap(({ id, migrationId, action, accepted, trustPolicies, accounts }, index) => {
      const request = result.migrations.find((one) => one.migrationId === migrationId)?.request;
      if (action !== 'retire' || !request) return [];
      // An earlier one may have taken it while the service account had its association.
      const were = result.retirements[index - 1]?.trustPolicies ?? result.before.trustPolicies;
      const isAllowed = (policies: Map<string, string>, roleArn: string, { namespace, name }: ServiceAccountRef) =>
        evaluateTrust(parsePolicy(policies.get(roleArn) ?? '', 'trust'), {
          clusterArn: clusterArn(request.target),
          namespace,
          serviceAccount: name,
          oidcIssuer: issuer,
        }).irsa.verdict === 'allowed';
      const changed = [...trustPolicies].flatMap(([roleArn, policy]) =>
        policy === were.get(roleArn) ? [] : [roleArn],
      );
      return changed.flatMap((roleArn) =>
        accounts
          .filter((one) => !one.associated && !accepted.includes(`ServiceAccount/${one.namespace}/${one.name}`))
          .filter((one) => isAllowed(were, roleArn, one) && !isAllowed(trustPolicies, roleArn, one))
          .map(
            ({ namespace, name }) =>
              `${id} took the OIDC trust of ${roleArn} from ${namespace}/${name}, which has no association`,
          ),
      );
    });
  },
};
