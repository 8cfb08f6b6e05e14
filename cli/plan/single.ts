/** Makes the plan of one add-on or service account in AWS, with the caller's own credentials and no deployed service. */
import { systemIds } from '../../lambdas/adapters/system.ts';
import { type Migration, type MigrationReport, newMigration } from '../../lambdas/domain/record/migration.ts';
import type { MigrationRequest } from '../../lambdas/domain/request/request.ts';
import type { Outcome } from '../../lambdas/domain/terms/outcome.ts';
import type { Plan } from '../../lambdas/domain/record/plan.ts';
import type { Facts } from '../../lambdas/domain/plan/facts.ts';
import { jsonText } from '../../lambdas/domain/text/text.ts';
import { collectEvidence, lostIdentities } from '../../lambdas/domain/verification/pod-identity.ts';
import { utcNow } from '../../lambdas/runtime/utc.ts';
import { noFacts } from '../../lambdas/use-cases/facts/read-facts.ts';
import { closedWhereUnreached } from '../../lambdas/use-cases/facts/unreachable.ts';
import { makePlan } from '../../lambdas/use-cases/migration/make-plan.ts';
import { EVIDENCE_BEFORE, readReport } from '../../lambdas/use-cases/migration/report.ts';
import { notRead } from '../aws/not-read.ts';
import { type AwsReading, readInAws } from '../aws/reading.ts';
import { exitCodeOf, type ExitCode } from '../exit-codes.ts';
import { handOffSection } from '../hand-off/section.ts';
import type { Io } from '../io.ts';
import { styleFor } from '../text/style.ts';
import { summary, verdictOf } from '../print/summary.ts';
import { requestFrom, workloadRequestFrom } from '../request.ts';
import { isSimulated } from '../service-environment.ts';
import { nextSection } from '../print/next.ts';
import { nextAfterPlan } from './next.ts';
import type { PlanFlags } from './options.ts';
import { whileReading } from '../while-reading.ts';
import { NO_LEDGER, previewFor, previewSettings } from './preview.ts';

type Single = Exclude<PlanFlags, { of: 'cluster' }>;

const OUTCOMES: Record<Plan['verdict'], Outcome> = {
  migrate: 'planned',
  'already-migrated': 'already-migrated',
  'keep-irsa': 'blocked',
  blocked: 'blocked',
};

/** Returns the report that a deployed service would have stored, of a migration that is in no ledger. */
const reportOf = async (
  request: MigrationRequest,
  { facts, plan }: { facts: Facts; plan: Plan },
  { startedAt, endedAt }: { startedAt: string; endedAt: string },
): Promise<MigrationReport> => {
  const migrationId = systemIds.ulid();
  const accounts = new Set(
    (plan.associations.length > 0 ? plan.associations : facts.podIdentity).map((one) => one.serviceAccount),
  );
  const evidence = facts.pods
    ? collectEvidence(facts.pods, accounts, undefined, lostIdentities(plan.identityLosses))
    : [];
  const migration: Migration = {
    ...newMigration({ migrationId, request, executionArn: '', startedAt }),
    status: 'ended',
    outcome: OUTCOMES[plan.verdict],
    endedAt,
    plan,
  };
  const report = await readReport(
    {
      getMigration: () => Promise.resolve(migration),
      listSteps: () => Promise.resolve([]),
      getEvidence: (_id, round) => Promise.resolve(round === EVIDENCE_BEFORE ? evidence : []),
    },
    migrationId,
    { simulated: isSimulated(process.env) },
  );
  if (!report) throw new Error('An ended migration has no report.');
  return report;
};

const requestOf = (single: Single, { target, session: { caller } }: AwsReading): MigrationRequest =>
  single.of === 'add-on'
    ? requestFrom(single.flags, target, caller.arn)
    : workloadRequestFrom(single.flags, target, caller.arn);

/** Makes the plan of the request, as the step `plan` does. */
const planOf = async (single: Single, reading: AwsReading): Promise<MigrationReport> => {
  const { target, clock, roles, session } = reading;
  const request = requestOf(single, reading);
  const settings = previewSettings(await previewFor(session.caller.arn, roles));
  const startedAt = utcNow(clock);
  const portsFor = closedWhereUnreached(() => reading, { clock, remainingTime: () => Number.MAX_SAFE_INTEGER });
  const made = await makePlan(noFacts(request, settings, startedAt), portsFor(target), { settings, ledger: NO_LEDGER });
  return reportOf(request, made, { startedAt, endedAt: utcNow(clock) });
};

/** Makes the plan, prints it and returns the exit code. Throws a CliError if there is no plan. */
export const planInAws = async (single: Single, io: Io): Promise<ExitCode> => {
  const { flags } = single;
  const report = await readInAws(flags, io, (reading) =>
    whileReading(io, `cluster ${flags.cluster}`, () => planOf(single, reading)),
  ).catch((error: unknown) => {
    throw notRead(error, flags.cluster);
  });
  if (flags.json) io.stdout.write(`${jsonText(report, 2)}\n`);
  else {
    const style = styleFor(io.stdout);
    const lines = [
      ...summary(report, style, flags.handOff ? ['hand-off'] : []),
      ...(flags.handOff ? handOffSection(report, flags.format, style) : []),
      ...nextSection(verdictOf(report, style), nextAfterPlan(report, single), style),
    ];
    io.stdout.write(`${lines.join('\n')}\n`);
  }
  return exitCodeOf(report.outcome);
};
