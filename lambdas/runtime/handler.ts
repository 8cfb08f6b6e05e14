/**
 * The handler around every step: parses the input, checks for a cancel, runs the step, records the step's line in the ledger,
 * and turns what is thrown into an error with a name that the state machine knows. The middy stack is the same in AWS, in the
 * sandbox and in the tests; a deployment passes its additional middlewares (Powertools).
 */
import middy, { type MiddlewareObj } from '@middy/core';
import type { Context } from 'aws-lambda';
import { z } from 'zod';
import { waitEvent } from '../domain/events/outbox-events.ts';
import { randomFrom } from '../domain/text/random.ts';
import { isMigrationError, MigrationError } from '../domain/failures/errors.ts';
import { migrationId } from '../domain/text/names.ts';
import { target, type Target } from '../domain/terms/subject.ts';
import { PAUSE_NOTED } from '../domain/waiting/noted-pause.ts';
import type { NotedWait } from '../domain/waiting/waiting-for.ts';
import { ZOD_MESSAGES } from '../domain/text/zod-messages.ts';
import { inCurrentForm } from '../domain/acceptance/former.ts';
import { hasProtoKey, problemsOf } from '../domain/text/problems.ts';
import type { HandlerDependencies, Telemetry } from '../ports/index.ts';
import { RESERVE, throughThrottling } from './retry.ts';
import { noteRollback } from './note-rollback.ts';
import { notePause, type Pausing, splitPausing } from './pausing.ts';
import { InvocationPace } from './pacing.ts';
import { cancelledAs, cancelledText } from './cancellation.ts';
import { waitingForAccess } from './denied-access.ts';
import { failureOf, reportFailure } from './failures.ts';
import { assertPlanUnchanged } from './plan-unchanged.ts';
import { rememberedLedger } from './cached-ledger.ts';
import type { Step } from './step.ts';
import { utcNow } from './utc.ts';
import { printable, shownIn } from '../domain/text/text.ts';

export type LambdaContext = Context;

/** The fields of any step's input that identify its line in a record. */
const identified = z.object({
  migrationId,
  startedAt: z.string().optional(),
  attempt: z.number().optional(),
  round: z.number().optional(),
  settling: z.number().optional(),
  towards: z.string().optional(),
  action: z.string().optional(),
  operation: z.string().optional(),
  outcome: z.string().optional(),
  fence: z.number().optional(),
  planHash: z.string().optional(),
});
type Identified = z.infer<typeof identified>;

/**
 * Outcomes that may follow another one, which keeps its own line: `finish-rolled-back` comes after the `finish` of a
 * migration that was migrated.
 */
const LATE_ENDINGS: readonly (string | undefined)[] = ['rolled-back', 'needs-human'];

/**
 * Returns the line's name: a step that runs again in another attempt or round has a line of its own. `verify-pods.2-3` is
 * attempt 2, round 3. A round is a visit of the step in its attempt: after a restart, or after an observation of the pods.
 */
function lineName({ schema }: Step, who: Identified): string {
  const { attempt = 0, towards, settling = 1, action, operation, outcome } = who;
  const isObserved = towards === 'ready';
  const round = isObserved ? settling : (who.round ?? 1) + settling - 1;
  const ofDirection = isObserved ? schema.readyVariant : towards === 'before' ? schema.rollbackVariant : undefined;
  const base = ofDirection ?? schema.name;
  const variant = action ?? operation ?? (LATE_ENDINGS.includes(outcome) ? outcome : undefined);
  return `${base}${variant === undefined ? '' : `-${variant}`}${attempt > 0 ? `.${attempt + 1}` : ''}${round > 1 ? `-${round}` : ''}`;
}

function parseInput(step: Step, event: unknown): unknown {
  const wrong = (what: string): MigrationError =>
    new MigrationError(
      'BadInput',
      `The input of step ${step.schema.name} is wrong: ${what}. This step changed nothing. Correct the input, then start again.`,
    );
  if (!step.schema.answersProblems && hasProtoKey(event)) throw wrong('it has a key __proto__');
  const parsed = step.schema.input.safeParse(inCurrentForm(event), ZOD_MESSAGES);
  if (parsed.success) return parsed.data;
  throw wrong(problemsOf(parsed.error, 'input'));
}

/** Returns the error as it may leave the function: the runtime logs its message and stack, and Step Functions keeps both. */
function outward(error: unknown): Error {
  if (isMigrationError(error)) return error;
  const { name: own, message } = failureOf(error);
  // Only a pause that was noted has that name, and no error that is named by what a service answered.
  const name = own === PAUSE_NOTED ? 'Error' : own;
  if (error instanceof Error && error.name === name && error.message === message) return error;
  const frames = error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^ {4}at /.test(line)) : [];
  const clean = new Error(message);
  clean.name = name;
  clean.stack = [`${name}: ${message}`, ...frames].join('\n');
  return clean;
}

/**
 * Throws if the migration was cancelled, so that no further step of the change begins. A rollback is never stopped.
 */
async function heedCancel(
  { schema }: Step,
  who: Identified | undefined,
  { ledger }: HandlerDependencies,
): Promise<void> {
  // A migration is cancelled, and not an operation after its end.
  if (!schema.cancellable || !who || who.towards === 'before' || who.operation !== undefined) return;
  const cancel = await ledger.getCancel(who.migrationId);
  if (!cancel) return;
  throw new MigrationError(cancelledAs(cancel), `${cancelledText(cancel)}: step ${schema.name} did not begin.`);
}

/** Returns what the migration waited for before this call. It does not cause a second read of the record. */
const waitedFor = async (
  { schema }: Step,
  who: Identified | undefined,
  { ledger }: HandlerDependencies,
): Promise<NotedWait | undefined> =>
  who && schema.hasLine ? (await ledger.getMigration(who.migrationId))?.waitingFor : undefined;

/**
 * Returns whether the step belongs to a migration whose plan has reached the API server: `begin`, and the steps after it. The
 * removal of an annotation is an exception, since the pods work without it: a missing right is reported, and not waited for.
 */
const waitsForAccess = ({ schema: { name } }: Step, who: Identified | undefined): boolean =>
  name === 'begin' || (who?.fence !== undefined && (name !== 'annotate-service-account' || who.towards === 'before'));

/** The target in the input of a step; `request` is in the input of the first step. */
const targeted = z.object({ target: target.optional(), request: z.object({ target }).optional() });

/** Returns the target of the step; undefined if it works at none. */
function targetOf(event: unknown): Target | undefined {
  const found = targeted.safeParse(event).data;
  return found?.target ?? found?.request?.target;
}

async function runStep(
  step: Step,
  { event, pausing, who }: { event: unknown; pausing?: Pausing; who: Identified | undefined },
  given: HandlerDependencies,
  pacing: InvocationPace,
): Promise<unknown> {
  const { clock, ledger } = given;
  const started = utcNow(clock);
  const dependencies = waitsForAccess(step, who) ? { ...given, portsFor: waitingForAccess(given.portsFor) } : given;
  const note = async (outcome: { result?: string; error?: { name: string; message: string } }): Promise<void> => {
    if (!who || !step.schema.hasLine) return;
    const { migrationId: id, startedAt } = who;
    const since = startedAt === undefined ? started : new Date(startedAt).toISOString();
    await ledger.recordStep(id, { name: lineName(step, who), startedAt: since, endedAt: utcNow(clock), ...outcome });
  };
  try {
    const input = parseInput(step, event);
    await heedCancel(step, who, dependencies);
    if (who) await assertPlanUnchanged(who, dependencies);
    if (who) await noteRollback(step.schema.name, who, dependencies);
    const at = targetOf(event);
    if (at) await pacing.admit(at);
    const wait = await waitedFor(step, who, dependencies);
    const output = step.schema.output.parse(await step.run(input, dependencies));
    if (who && wait) await ledger.endWait(who.migrationId, wait, wait.notified ? [waitEvent('resumed', wait)] : []);
    await note({ result: JSON.stringify(output).slice(0, 1024) });
    return output;
  } catch (error) {
    reportFailure(step.schema.name, error, dependencies.telemetry);
    // The step's own error matters more than a line that could not be written.
    await note({ error: failureOf(error) }).catch((second: unknown) =>
      dependencies.telemetry.log.warn('could not write the step line', failureOf(second)),
    );
    throw (await notePause({ migrationId: who?.migrationId, pausing }, error, dependencies)) ?? outward(error);
  }
}

/** Makes log lines safe to display: they quote data of third parties, such as names of roles. */
const withShownText = (telemetry: Telemetry): Telemetry => ({
  count: (metric, value) => telemetry.count(metric, value),
  seconds: (metric, value) => telemetry.seconds(metric, value),
  log: {
    info: (message, fields) => telemetry.log.info(printable(message), fields && shownIn(fields)),
    warn: (message, fields) => telemetry.log.warn(printable(message), fields && shownIn(fields)),
    error: (message, fields) => telemetry.log.error(printable(message), fields && shownIn(fields)),
  },
});

/**
 * Creates the Lambda handler of a step. Nothing is bound at import: everything that the handler needs is in `dependencies`,
 * except for the remaining time, which comes from each invocation's context.
 */
export function createHandler(
  step: Step,
  dependencies: HandlerDependencies,
  middlewares: MiddlewareObj<unknown, unknown>[] = [],
): (event: unknown, context: LambdaContext) => Promise<unknown> {
  const handler = middy<unknown, unknown>().use(middlewares);
  const telemetry = withShownText(dependencies.telemetry);
  const stack = handler.handler(async (given: unknown, context: LambdaContext) => {
    const { event, ...paused } = splitPausing(given);
    const remainingTime = (): number => context.getRemainingTimeInMillis();
    const { clock, pace } = dependencies;
    const who = identified.safeParse(event).data;
    const pacing = new InvocationPace({
      pace,
      clock,
      telemetry,
      spareTime: () => remainingTime() - RESERVE,
      step: step.schema,
      isRollback: who?.towards === 'before',
      random: randomFrom(`pace ${context.awsRequestId}`),
    });
    const portsFor = throughThrottling(
      dependencies.portsFor,
      { clock, remainingTime },
      `${step.schema.name} ${context.awsRequestId}`,
      pacing,
    );
    const ledger = rememberedLedger(dependencies.ledger, remainingTime);
    const fleetOf: HandlerDependencies['fleetOf'] = (location, around) => {
      const [at, waits] = [{ ...location, cluster: '' }, { waits: true }];
      return dependencies.fleetOf(location, around ? pacing.within(around, at, waits) : pacing.around(at, waits));
    };
    try {
      const invocation = { ...dependencies, telemetry, portsFor, fleetOf, ledger, remainingTime };
      return await runStep(step, { event, ...paused, who }, invocation, pacing);
    } finally {
      await pacing.end();
    }
  });
  return (event, context) => Promise.resolve(stack(event, context, {} as never));
}
