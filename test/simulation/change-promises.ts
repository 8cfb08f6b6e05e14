/** Promises about which changes are made, when, and by which execution. */
import { subjectOf } from '../../lambdas/domain/terms/subject.ts';
import { MAX_RESTARTS, MAX_WITNESSES } from '../../lambdas/domain/verification/injection-seen.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import { inputOf, keyOf } from './calls.ts';
import { allMigrations, changes, effective, migrationOf } from './observe.ts';
import { liveAssociations } from './cluster.ts';
import { thirdPartyFieldsIn } from './fields.ts';
import { isScaledToZero } from './life-effects.ts';
import { about, interfered, type Promised } from './promised.ts';
import type { RunResult } from './run.ts';
import type { ActorSpec } from './spec.ts';

export const planFirst: Promised = {
  name: 'plan-lock-snapshot-first',
  statement: 'Nothing is changed before the plan has passed, the lock is held and the snapshot is stored.',
  broken: (result) => {
    const { calls } = result.sandbox.world.log;
    return changes(result).flatMap((call) => {
      const id = migrationOf(result, call.execution);
      const earlier = calls.filter((one) => one.n < call.n && one.status < 300 && one.service === 'dynamodb');
      const problems: string[] = [];
      const wrote = (test: (key: { pk: string; sk: string }, one: Call) => boolean): boolean =>
        earlier.some((one) => /^(Put|Update)Item$/.test(one.operation) && test(keyOf(one) ?? { pk: '', sk: '' }, one));
      if (
        !wrote(
          ({ pk, sk }, one) =>
            pk.startsWith('LOCK#') &&
            !pk.startsWith('LOCK#ROLE#') &&
            sk === 'LOCK' &&
            migrationOf(result, one.execution) === id,
        )
      )
        problems.push(`${about(call)} came before the lock was taken`);
      if (!wrote(({ pk, sk }) => pk === `MIGRATION#${id}` && sk === 'SNAPSHOT'))
        problems.push(`${about(call)} came before the snapshot was stored`);
      if (!wrote(({ pk, sk }, one) => pk === `MIGRATION#${id}` && sk === 'RECORD' && one.step === 'plan'))
        problems.push(`${about(call)} came before a plan was stored`);
      return problems;
    });
  },
};

export const failClosed: Promised = {
  name: 'fail-closed',
  statement: 'If trust evaluation finds a deny or something undecidable, no mutating call is made.',
  broken: (result) => {
    if (!result.spec.trust) return [];
    const ends = result.migrations
      .filter(({ record }) => record?.outcome !== undefined && record.outcome !== 'blocked')
      .map(({ record }) => `ended ${record?.outcome ?? ''} although the trust is ${result.spec.trust ?? ''}`);
    return [
      ...changes(result).map((call) => `${about(call)} although the trust is ${result.spec.trust ?? ''}`),
      ...ends,
    ];
  },
};

/** Returns the problems if several executions change one subject: each must end before the next one begins. */
function interleavings(calls: Call[]): string[] {
  const problems: string[] = [];
  const done = new Map<string, string>();
  let current: string | undefined;
  for (const call of calls) {
    const { execution = '' } = call;
    if (execution === current) continue;
    const later = done.get(execution);
    if (later !== undefined)
      problems.push(`${about(call)} of ${execution} came after ${later} had started to make changes`);
    if (current !== undefined) done.set(current, execution);
    current = execution;
  }
  return problems;
}

/** Returns the writes to a role's trust policy that happened while another migration was working with the role. */
function trustWritesBetween(result: RunResult): string[] {
  const calls = changes(result);
  return effective(calls)
    .filter(({ operation }) => operation === 'UpdateAssumeRolePolicy')
    .flatMap((write) => {
      const role = `/${String(inputOf(write)['RoleName'])}`;
      const mine = migrationOf(result, write.execution);
      return allMigrations(result)
        .filter(
          ({ migrationId, record }) =>
            migrationId !== mine && record?.locks.some((key) => key.startsWith('ROLE#') && key.endsWith(role)) === true,
        )
        .flatMap(({ migrationId }) => {
          const theirs = calls.filter((call) => migrationOf(result, call.execution) === migrationId);
          const executions = new Set(theirs.map(({ execution }) => execution));
          return [...executions].flatMap((execution) => {
            const own = theirs.filter((call) => call.execution === execution);
            return own.some(({ n }) => n < write.n) && own.some(({ n }) => n > write.n)
              ? [`${about(write)} happened while ${execution ?? ''} was working with the role`]
              : [];
          });
        });
    });
}

export const oneAtATime: Promised = {
  name: 'one-at-a-time',
  statement:
    "Two runs never change the same add-on or service account at the same time, and no run changes a role's trust policy while another one works with that role; a run whose lock has passed to another one changes nothing more.",
  broken: (result) => {
    // Without a fault, no migration loses a lock that it holds.
    const lost =
      result.spec.faults.length > 0
        ? []
        : result.migrations.flatMap(({ migrationId, record }) =>
            record?.failure?.name === 'LockLost' ? [`${migrationId} lost its lock: ${record.failure.message}`] : [],
          );
    const bySubject = Map.groupBy(changes(result), (call) => {
      const id = migrationOf(result, call.execution);
      const request = allMigrations(result).find(({ migrationId }) => migrationId === id)?.request;
      return request === undefined ? '' : subjectOf(request);
    });
    return [...lost, ...[...bySubject.values()].flatMap(interleavings), ...trustWritesBetween(result)];
  },
};

const READS: Record<string, RegExp> = { eks: /^(Describe|List)/, iam: /^Get/, kubernetes: /^(get|list)/ };

export const observeFirst: Promised = {
  name: 'observe-first',
  statement:
    'Every mutating step observes first: no invocation changes what it has not read, and it reads again after a lost reply.',
  broken: (result) => {
    const { calls } = result.sandbox.world.log;
    return changes(result).flatMap((call) => {
      const hasRead = calls.some(
        (one) =>
          one.n < call.n &&
          one.invocation === call.invocation &&
          one.status < 500 &&
          READS[call.service]?.test(one.operation) === true,
      );
      return hasRead ? [] : [`${about(call)} changes something that its invocation has not read`];
    });
  },
};

/** Returns the third-party fields whose value or owner has changed. */
function changedFields(result: RunResult): string[] {
  const { simulated, before, cluster, spec } = result;
  // A request with OVERWRITE accepts the loss of these fields.
  if (simulated.requests.some(({ resolveConflicts }) => resolveConflicts === 'OVERWRITE')) return [];
  const now = thirdPartyFieldsIn(cluster);
  return [...before.thirdPartyFields].flatMap(([field, was]) => {
    // An autoscaler, or a person, becomes the owner of the replica count that it changes.
    if ((spec.time?.autoscaler ?? isScaledToZero(result)) && field.endsWith(' - .spec.replicas')) return [];
    const is = now.get(field);
    if (is === undefined) return [`${field} of ${was.manager} now belongs only to EKS or the service`];
    return is.value === was.value && is.manager === was.manager
      ? []
      : [`${field} was ${was.value}, owned by ${was.manager}; it is now ${is.value}, owned by ${is.manager}`];
  });
}

export const nothingElse: Promised = {
  name: 'nothing-else-changes',
  statement:
    'The version, the configuration and third-party fields stay as they are; pods are restarted a bounded number of times.',
  broken: (result) => {
    const problems: string[] = [];
    if (!interfered(result)) {
      problems.push(...changedFields(result));
      for (const { request } of result.migrations) {
        const addon = result.cluster.addons.get(request.addon ?? '');
        const was = result.before.addons.get(request.addon ?? '');
        if (!addon || !was) continue;
        if (addon.version !== was.version)
          problems.push(`version ${was.version} of ${request.addon} became ${addon.version}`);
        if (addon.configurationValues !== was.configurationValues)
          problems.push(`the configuration of ${request.addon} changed`);
      }
    }
    for (const call of effective(changes(result)).filter(({ operation }) => operation === 'patch serviceaccounts')) {
      const request = allMigrations(result).find(
        ({ migrationId }) => migrationId === migrationOf(result, call.execution),
      )?.request;
      if (request?.annotation !== 'remove')
        problems.push(`${about(call)} changed a service account although the request does not ask for it`);
    }
    const restarts = new Map<string, number>();
    for (const call of effective(changes(result)).filter((one) => one.service === 'kubernetes'))
      restarts.set(call.execution ?? '', (restarts.get(call.execution ?? '') ?? 0) + 1);
    const workloads = 3;
    const attempts = 3;
    for (const [execution, count] of restarts)
      if (count > (MAX_RESTARTS + MAX_RESTARTS + MAX_WITNESSES) * workloads * attempts)
        problems.push(`${execution} restarted pods ${count} times`);
    return problems;
  },
};

const NOT_OF_ADDON: ReadonlySet<ActorSpec['does']> = new Set([
  'dissociate',
  'repoint',
  'delete-account',
  'recreate-account',
]);
const ADDON_CHANGES = new Set(['CreateAddon', 'UpdateAddon', 'DeleteAddon']);

export const thirdPartiesRespected: Promised = {
  name: 'third-parties-are-respected',
  statement:
    'A third-party change, creation or deletion during a migration is never overwritten by an invocation that could have seen it.',
  broken: (result) => {
    const { actor } = result;
    if (!actor?.accepted || actor.afterLine === undefined) return [];
    const { calls } = result.sandbox.world.log;
    const { afterLine } = actor;
    const act = calls.find(
      (call) =>
        call.n > afterLine &&
        call.step === undefined &&
        call.mutating &&
        (call.service === 'eks' || call.service === 'kubernetes') &&
        call.status < 300,
    );
    if (!act) return [];
    const ours = effective(changes(result)).filter((call) => call.n > act.n);
    if (actor.spec.does === 'associate') {
      // The association that it was to replace is deleted first, and the service may create one before it does.
      const isCreated = calls.some(
        ({ n, step, operation, status }) =>
          n >= act.n && step === undefined && operation === 'CreatePodIdentityAssociation' && status < 300,
      );
      if (!isCreated) return [];
      const id = liveAssociations(result.cluster).find((one) => one.tags['by'] === 'third-party')?.id;
      const deleted = ours.filter(
        (call) =>
          call.operation === 'DeletePodIdentityAssociation' &&
          !result.before.associations.has(String(inputOf(call)['associationId'])),
      );
      return id === undefined && deleted.length > 0
        ? deleted.map((call) => `${about(call)} deleted the third-party association`)
        : [];
    }
    if (actor.spec.does === 'annotate') {
      const seen = (call: Call): boolean =>
        calls.some(
          (one) =>
            one.n > act.n &&
            one.n < call.n &&
            one.invocation === call.invocation &&
            one.operation === 'list serviceaccounts',
        );
      return ours
        .filter((call) => call.operation === 'patch serviceaccounts' && seen(call))
        .map((call) => `${about(call)} came after the third-party annotation`);
    }
    // Changing or deleting an association or a service account does not change the add-on.
    if (NOT_OF_ADDON.has(actor.spec.does)) return [];
    const begunBefore = (call: Call): boolean => {
      const id = migrationOf(result, call.execution);
      return calls.some(
        (one) =>
          one.n < act.n &&
          one.operation === 'PutItem' &&
          keyOf(one)?.sk === 'SNAPSHOT' &&
          keyOf(one)?.pk === `MIGRATION#${id}`,
      );
    };
    // The deletion is under way as soon as the ledger notes it. EKS may also show the add-on as ACTIVE for a moment
    // after the third party has deleted it; then it is deleted a second time.
    const removes = (one: Call): boolean =>
      one.step === 'delete-addon' &&
      ((one.n < act.n && keyOf(one)?.sk === 'RECORD' && one.operation === 'UpdateItem') ||
        one.operation === 'DeleteAddon');
    const removedBefore = (call: Call): boolean =>
      calls.some(
        (one) =>
          one.n < call.n && removes(one) && migrationOf(result, one.execution) === migrationOf(result, call.execution),
      );
    // A third party that deletes the add-on which the migration is deleting wants the same result. One that replaces it
    // has only deleted it until EKS accepts its create, which is refused if the migration has created the add-on first.
    const replaced = calls.find(
      ({ n, step, operation, status }) =>
        n > act.n && step === undefined && operation === 'CreateAddon' && status < 300,
    );
    const isOnlyDeleted = ({ n }: Call): boolean =>
      actor.spec.does === 'delete' || (actor.spec.does === 'replace' && !(replaced && replaced.n < n));
    // A change between an invocation's read and its write cannot be seen: EKS has no conditional writes.
    const sawIt = (call: Call): boolean =>
      calls.some(
        (one) =>
          one.n > act.n && one.n < call.n && one.invocation === call.invocation && one.operation === 'DescribeAddon',
      );
    const acted = result.simulated.requests[0]?.addon;
    return ours
      .filter(
        (call) =>
          ADDON_CHANGES.has(call.operation) && inputOf(call)['addonName'] === acted && begunBefore(call) && sawIt(call),
      )
      .filter((call) => !(isOnlyDeleted(call) && removedBefore(call)))
      .map((call) => `${about(call)} came after the third-party act ${actor.spec.does}`);
  },
};
