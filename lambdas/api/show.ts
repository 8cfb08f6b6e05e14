/** GET /plans/{id}, GET /migrations/{id} and GET /migrations, which change nothing. */
import { handOffOf } from '../domain/hand-off/of-record.ts';
import { allOpenUntil, nextCommonOpening } from '../domain/waiting/change-windows.ts';
import type { Migration } from '../domain/record/migration.ts';
import type { PodEvidence } from '../domain/terms/evidence.ts';
import { requesterOf } from '../domain/approval/requester.ts';
import { standingRelease } from '../domain/rollback/recovery.ts';
import { windowsOf } from '../domain/waiting/waiting.ts';
import { waitingForOf } from '../domain/waiting/waiting-for.ts';
import type { HandlerDependencies, Ledger } from '../ports/index.ts';
import { standingRetirement } from '../use-cases/retirement/request.ts';
import { EVIDENCE_BEFORE, EVIDENCE_LATEST, readReport } from '../use-cases/migration/report.ts';
import { readRunning } from '../use-cases/migration/progress.ts';
import { utcOf } from '../runtime/utc.ts';
import type { MigrationAnswer } from './answers.ts';
import { retryLater } from './later.ts';
import { linksOf, migrationPath, planLinksOf, planPath } from './links.ts';
import { withKnownNames } from './names.ts';
import type { Call, Reply } from './operations.ts';
import { ApiProblem } from './problems.ts';
import { goesOnAfter, listIdOf, tokenAfter } from './tokens.ts';

/** Maximum number of pods shown: a Lambda's answer has at most 6 MB (Lambda quotas), and a pod takes about 1 kB. */
const MOST_PODS = 1000;

/** Returns the record. Throws `ApiProblem` if the migration does not exist. */
export async function foundMigration(ledger: Ledger, id: string): Promise<Migration> {
  const record = await ledger.getMigration(id);
  if (record) return record;
  throw new ApiProblem(
    'unknown-migration',
    `There is no migration or plan ${id}. If it was not started through this API, it may take a few seconds to appear: send the request again then.`,
    { errors: [{ field: 'path.id', message: 'is not the id of a migration' }] },
  );
}

function verificationOf(before: PodEvidence[], pods: PodEvidence[]): MigrationAnswer['verification'] {
  const left = { before: Math.max(0, before.length - MOST_PODS), pods: Math.max(0, pods.length - MOST_PODS) };
  return {
    before: before.slice(0, MOST_PODS),
    pods: pods.slice(0, MOST_PODS),
    ...(left.before + left.pods > 0 ? { left } : {}),
  };
}

/** Returns when the change may begin; undefined if there are no windows or the change has begun. */
function windowAnswer(
  { status, attempt, request }: Migration,
  { settings, clock }: Pick<HandlerDependencies, 'settings' | 'clock'>,
): MigrationAnswer['changeWindow'] {
  const windows = windowsOf(request, settings);
  if (windows.length === 0 || status === 'ended' || attempt !== undefined || request.dryRun) return undefined;
  const now = clock.now();
  const until = allOpenUntil(windows, now);
  if (until !== undefined) return { openUntil: utcOf(until) };
  const opens = nextCommonOpening(windows, now);
  return opens === undefined ? {} : { opensAt: utcOf(opens) };
}

/** Returns the fields that come from the record alone, whether or not the migration has ended. */
function ofRecord({
  request,
  verified,
  warnings,
  associations,
  trustChanges,
  retirements,
  restoreCommands,
  trigger,
  correlation,
  approvals,
  annotationChange,
  recovery,
  rollback,
  failure,
  executionArn,
}: Migration) {
  const { preserve, dryRun, requestedBy, reason } = request;
  return {
    preserve,
    dryRun,
    requestedBy,
    reason,
    verified,
    warnings,
    associations,
    trustChanges,
    retirements,
    restoreCommands,
    trigger,
    correlation,
    approvals,
    annotationChange,
    recovery,
    rollback,
    failure,
    executionArn,
  };
}

async function answerOf(
  found: Migration,
  prefix: string,
  dependencies: Pick<HandlerDependencies, 'ledger' | 'executions' | 'settings' | 'clock'>,
): Promise<MigrationAnswer> {
  const { ledger, executions, settings } = dependencies;
  const { migrationId } = found;
  const retirement = await standingRetirement(found, dependencies);
  const record = { ...found, retirement };
  const more = { ...ofRecord(record), released: standingRelease(record), links: linksOf(prefix, record, settings) };
  const report = await readReport(ledger, migrationId, { simulated: false });
  if (report) {
    const { verification, steps, ...rest } = report;
    return {
      ...more,
      ...rest,
      retirement,
      waitingFor: waitingForOf(record),
      status: 'ended',
      steps,
      step: steps.at(-1)?.name,
      cancellation: await ledger.getCancel(migrationId),
      verification: verificationOf(verification.before, verification.pods),
    };
  }
  const statusOf = async (arn: string): Promise<string | undefined> => (await executions.describe(arn))?.status;
  const [running, before, pods] = await Promise.all([
    readRunning(ledger, record, { statusOf, simulated: false }),
    ledger.getEvidence(migrationId, EVIDENCE_BEFORE),
    ledger.getEvidence(migrationId, EVIDENCE_LATEST),
  ]);
  return {
    ...more,
    ...running,
    approvals: record.approvals,
    changeWindow: windowAnswer(record, dependencies),
    step: running.steps.at(-1)?.name,
    verification: verificationOf(before, pods),
  };
}

export async function getMigration(
  { parameters: { id }, prefix }: Call<'getMigration'>,
  dependencies: HandlerDependencies,
): Promise<Reply<'getMigration'>> {
  const record = await foundMigration(dependencies.ledger, id);
  const body = withKnownNames(await answerOf(record, prefix, dependencies), prefix);
  return { body, headers: retryLater(body) };
}

export async function getPlan(
  { parameters: { id }, prefix }: Call<'getPlan'>,
  { ledger, settings }: HandlerDependencies,
): Promise<Reply<'getPlan'>> {
  const record = await foundMigration(ledger, id);
  const { migrationId, status, outcome, request, startedAt, endedAt, plan, failure } = record;
  const { target, addon, serviceAccount, strategy, preserve, dryRun, requestedBy, reason } = request;
  const end = status === 'ended' ? { outcome, endedAt } : {};
  return {
    body: withKnownNames(
      {
        migrationId,
        status,
        ...end,
        target,
        addon,
        serviceAccount,
        strategy,
        preserve,
        dryRun,
        requester: requesterOf(record),
        requestedBy,
        reason,
        startedAt,
        plan,
        handOff: handOffOf(record),
        failure,
        links: planLinksOf(linksOf(prefix, record, settings)),
      },
      prefix,
    ),
    headers: retryLater({ status, waitingFor: waitingForOf(record) }),
  };
}

const DRY_RUN = { false: false, true: true, any: undefined } as const;

export async function listMigrations(
  { query: { limit, next: token, ...filter }, prefix }: Call<'listMigrations'>,
  { ledger }: HandlerDependencies,
): Promise<Reply<'listMigrations'>> {
  const list = listIdOf('migrations', filter);
  const after = goesOnAfter(list, token);
  const { migrations, next } = await ledger.listMigrations({ ...filter, dryRun: DRY_RUN[filter.dryRun] }, limit, after);
  const shown = migrations.map((one) => ({
    ...one,
    links: { self: migrationPath(prefix, one.migrationId), plan: planPath(prefix, one.migrationId) },
  }));
  return { body: { migrations: shown, ...(next === undefined ? {} : { next: tokenAfter(list, next) }) } };
}
