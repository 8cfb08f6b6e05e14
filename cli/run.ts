/** One migration from its start to its report, wherever it runs. */
import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { MigrationReport, MigrationRequest } from '../lambdas/domain/model.ts';
import { readReport } from '../lambdas/runtime/report.ts';
import type { Backend } from './backend.ts';
import { CliError } from './errors.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { hasEnded, stepsOf, type StepProgress } from './history.ts';
import { silentProgress } from './progress.ts';

const FIRST_POLL_MS = 1000;
/** Polls grow apart while the same step goes on, up to this: a step that waits for EKS takes minutes. */
const SLOWEST_POLL_MS = 10_000;
const PAGE = 100;

type OnSteps = (steps: readonly StepProgress[]) => void;

/** Starts the execution, follows it to its end and answers the ledger's report. Throws ExecutionFailed where there is none. */
export const runMigration = async (backend: Backend, request: MigrationRequest, progress = silentProgress): Promise<MigrationReport> => {
  try {
    return await backend.clock.spawn(() => startAndFollow(backend, request, progress.update));
  } finally {
    await progress.close();
  }
};

const startAndFollow = async (backend: Backend, request: MigrationRequest, onSteps: OnSteps): Promise<MigrationReport> => {
  const migrationId = backend.ids.ulid();
  const { executionArn = '' } = await backend.stepFunctions.send(
    new StartExecutionCommand({
      stateMachineArn: backend.stateMachineArn,
      name: migrationId,
      input: JSON.stringify({ migrationId, request }),
    }),
  );
  await follow(backend, executionArn, onSteps);
  const report = await readReport(backend.ledger, migrationId, { simulated: backend.simulated });
  return report ?? (await withoutReport(backend, executionArn, migrationId, request));
};

const follow = async (backend: Backend, executionArn: string, onSteps: OnSteps): Promise<void> => {
  const events: HistoryEvent[] = [];
  let pause = FIRST_POLL_MS;
  let known = 0;
  for (;;) {
    events.push(...(await newEvents(backend, executionArn, events.length)));
    const steps = stepsOf(events);
    onSteps(steps);
    if (hasEnded(events)) return;
    pause = steps.length > known ? FIRST_POLL_MS : Math.min(SLOWEST_POLL_MS, pause * 2);
    known = steps.length;
    await backend.clock.sleep(pause);
  }
};

/** Events are numbered from 1 without gaps: reading from the newest back to the last one known is mostly one call. */
const newEvents = async (backend: Backend, executionArn: string, known: number): Promise<HistoryEvent[]> => {
  const news: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await backend.stepFunctions.send(
      new GetExecutionHistoryCommand({ executionArn, reverseOrder: true, maxResults: PAGE, includeExecutionData: false, nextToken }),
    );
    const fresh = (page.events ?? []).filter((event) => (event.id ?? 0) > known);
    news.push(...fresh);
    nextToken = fresh.length === page.events?.length ? page.nextToken : undefined;
  } while (nextToken);
  return news;
};

/** The execution ended, yet the ledger has no outcome: says all that is known, never that nothing happened. */
const withoutReport = async (backend: Backend, executionArn: string, migrationId: string, request: MigrationRequest): Promise<never> => {
  const execution = await backend.stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
  const record = await backend.ledger.getMigration(migrationId);
  const snapshot = record ? await backend.ledger.getSnapshot(migrationId) : undefined;
  const { cluster, account, region } = request.target;
  const about = `${request.addon} on ${cluster} (${account}, ${region})`;
  const known = snapshot
    ? `It had begun to change ${about}; the snapshot of ${snapshot.takenAt} is in the ledger. Look at the add-on before anything else:`
    : `No snapshot was stored, so ${about} was not changed. To look at it:`;
  throw new CliError(
    'ExecutionFailed',
    `migration ${migrationId} ended without an outcome: ${ending(execution)}`,
    `${known}\naws eks describe-addon --cluster-name ${cluster} --addon-name ${request.addon} --region ${region}\nExecution: ${executionArn}`,
    EXIT_CODES.unexpected,
  );
};

const ending = ({ status, error, cause }: DescribeExecutionCommandOutput): string =>
  [`execution ${status ?? 'of unknown status'}`, error, cause && causeMessage(cause)].filter(Boolean).join(': ');

/** Lambda's causes are JSON with an errorMessage; others are plain text. */
const causeMessage = (cause: string): string => {
  try {
    const parsed: unknown = JSON.parse(cause);
    if (typeof parsed === 'object' && parsed !== null && 'errorMessage' in parsed) return String(parsed.errorMessage);
  } catch {
    // Plain text.
  }
  return cause;
};
