/**
 * The one handler around every step: parse, heed a cancel, run, note the step's line in the ledger, turn what is thrown
 * into an error with a name that the state machine knows. The middy stack is the same in AWS, in the sandbox and in the
 * tests; what a deployment adds (Powertools' middlewares) is handed in.
 */
import middy, { type MiddlewareObj } from '@middy/core';
import type { Context } from 'aws-lambda';
import { z } from 'zod';
import { waitEvent } from '../domain/events/outbox-events.ts';
import { randomFrom } from '../domain/text/random.ts';
import { isMigrationError, MigrationError } from '../domain/failures/errors.ts';
import { migrationId, target, type Target } from '../domain/migration/model.ts';
import type { NotedWait } from '../domain/waiting/waiting-for.ts';
import { PLAIN_WORDS } from '../domain/text/zod-messages.ts';
import { hasProtoKey, problemsOf } from '../domain/text/problems.ts';
import type { HandlerDependencies, Telemetry } from '../ports/index.ts';
import { RESERVE, throughThrottling } from './retry.ts';
import { noteRollback } from './note-rollback.ts';
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

/** Enough of any step's input to say whose line it is, and which. */
const identified = z.object({
  migrationId,
  startedAt: z.string().optional(),
  attempt: z.number().optional(),
  round: z.number().optional(),
  towards: z.string().optional(),
  action: z.string().optional(),
  outcome: z.string().optional(),
  fence: z.number().optional(),
  planHash: z.string().optional(),
});
type Identified = z.infer<typeof identified>;

/**
 * Ends that may come after another one, which keeps its own line: `finish-rolled-back` after the `finish` of one that
 * was migrated.
 */
const LATE_ENDINGS: readonly (string | undefined)[] = ['rolled-back', 'needs-human'];

/**
 * The line's name: what is done again, on another way or in another round, keeps its own times. `verify-pods.2-3`: way
 * 2, round 3.
 */
function lineName({ schema }: Step, { attempt = 0, round = 1, towards, action, outcome }: Identified): string {
  const base = (towards === 'before' ? schema.rollbackVariant : undefined) ?? schema.name;
  const variant = action ?? (LATE_ENDINGS.includes(outcome) ? outcome : undefined);
  return `${base}${variant === undefined ? '' : `-${variant}`}${attempt > 0 ? `.${attempt + 1}` : ''}${round > 1 ? `-${round}` : ''}`;
}

function parseInput(step: Step, event: unknown): unknown {
  const wrong = (what: string): MigrationError =>
    new MigrationError(
      'BadInput',
      `The input of step ${step.schema.name} is wrong: ${what}. Nothing was changed by this step; correct it, then start again.`,
    );
  if (!step.schema.answersProblems && hasProtoKey(event)) throw wrong('it has a key __proto__');
  const parsed = step.schema.input.safeParse(event, PLAIN_WORDS);
  if (parsed.success) return parsed.data;
  throw wrong(problemsOf(parsed.error, 'input'));
}

/** As it leaves the function: the runtime logs its text and its stack, and Step Functions keeps both. */
function outward(error: unknown): Error {
  if (isMigrationError(error)) return error;
  const { name, message } = failureOf(error);
  if (error instanceof Error && error.message === message) return error;
  const frames = error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^ {4}at /.test(line)) : [];
  const clean = new Error(message);
  clean.name = name;
  clean.stack = [`${name}: ${message}`, ...frames].join('\n');
  return clean;
}

/**
 * Somebody may have asked the migration to stop: then no further step of the change is begun. The way back is never
 * stopped.
 */
async function heedCancel(
  { schema }: Step,
  who: Identified | undefined,
  { ledger }: HandlerDependencies,
): Promise<void> {
  if (!schema.cancellable || !who || who.towards === 'before') return;
  const cancel = await ledger.getCancel(who.migrationId);
  if (!cancel) return;
  throw new MigrationError(cancelledAs(cancel), `${cancelledText(cancel)}: step ${schema.name} was not begun.`);
}

/** What the migration waited for before this call; what the step itself reads is read once. */
const waitedFor = async (
  { schema }: Step,
  who: Identified | undefined,
  { ledger }: HandlerDependencies,
): Promise<NotedWait | undefined> =>
  who && schema.hasLine ? (await ledger.getMigration(who.migrationId))?.waitingFor : undefined;

/**
 * A step of a migration whose plan has seen the API server: `begin`, and what comes after it. But for taking off an
 * annotation, which the pods do without: that the service may not do so is told of, and nothing waits for it.
 */
const waitsForAccess = ({ schema: { name } }: Step, who: Identified | undefined): boolean =>
  name === 'begin' || (who?.fence !== undefined && (name !== 'annotate-service-account' || who.towards === 'before'));

/** What the input of each step has that works at a target; `request`: of the first. */
const targeted = z.object({ target: target.optional(), request: z.object({ target }).optional() });

/** Where the step works; undefined for one that works at no target. */
function targetOf(event: unknown): Target | undefined {
  const found = targeted.safeParse(event).data;
  return found?.target ?? found?.request?.target;
}

async function runStep(
  step: Step,
  event: unknown,
  given: HandlerDependencies,
  pacing: InvocationPace,
): Promise<unknown> {
  const { clock, ledger } = given;
  const started = utcNow(clock);
  const who = identified.safeParse(event).data;
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
    if (who && wait) await ledger.endWait(who.migrationId, wait, wait.told ? [waitEvent('resumed', wait)] : []);
    await note({ result: JSON.stringify(output).slice(0, 1024) });
    return output;
  } catch (error) {
    reportFailure(step.schema.name, error, dependencies.telemetry);
    // What the step threw matters more than a line that could not be written.
    await note({ error: failureOf(error) }).catch((second: unknown) =>
      dependencies.telemetry.log.warn('step line not written', failureOf(second)),
    );
    throw outward(error);
  }
}

/** Log lines quote data that third parties wrote, such as names of roles: nothing in them acts on who reads them. */
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
 * Makes the Lambda handler of a step. Nothing is bound at import: everything it needs is in `dependencies`, but for the
 * time that is left, which each invocation's context knows.
 */
export function createHandler(
  step: Step,
  dependencies: HandlerDependencies,
  middlewares: MiddlewareObj<unknown, unknown>[] = [],
): (event: unknown, context: LambdaContext) => Promise<unknown> {
  const handler = middy<unknown, unknown>().use(middlewares);
  const telemetry = withShownText(dependencies.telemetry);
  const stack = handler.handler(async (event: unknown, context: LambdaContext) => {
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
      return await runStep(step, event, invocation, pacing);
    } finally {
      await pacing.end();
    }
  });
  return (event, context) => Promise.resolve(stack(event, context, {} as never));
}
