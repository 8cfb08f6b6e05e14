/**
 * The one handler around every step: parse, run, note the step's line in the ledger, turn what is thrown into an
 * error with a name that the state machine knows. The middy stack is the same in AWS, in the sandbox and in the tests;
 * what a deployment adds (Powertools' middlewares) is handed in.
 */
import middy, { type MiddlewareObj } from '@middy/core';
import type { Context } from 'aws-lambda';
import { z } from 'zod';
import { isMigrationError, MigrationError } from '../domain/errors.ts';
import { migrationId } from '../domain/model.ts';
import type { HandlerDependencies } from '../ports/index.ts';
import type { Step } from './step.ts';
import { utcNow } from './utc.ts';

export type LambdaContext = Context;

/** Enough of any step's input to say whose line it is. */
const identified = z.object({ migrationId, startedAt: z.string().optional(), round: z.number().optional() });

/** The line's name: a repeated step gets its round, so that each round keeps its own times. */
const lineName = (step: Step, round: number | undefined): string => (round === undefined || round === 1 ? step.schema.name : `${step.schema.name}-${round}`);

function parseInput(step: Step, event: unknown): unknown {
  const parsed = step.schema.input.safeParse(event);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'input'}: ${issue.message}`).join('; ');
  throw new MigrationError('BadInput', `The input of step ${step.schema.name} is wrong: ${where}`);
}

/** Anything without one of our names is a defect or a surprise: it keeps its own name, and the state machine treats it as terminal. */
const failureOf = (error: unknown): { name: string; message: string } =>
  error instanceof Error ? { name: error.name, message: error.message } : { name: 'Error', message: String(error) };

/** A polling step's "not yet" is no event; a failure is told once, with its name. */
function tell(step: Step, error: unknown, { telemetry }: HandlerDependencies): void {
  const { name, message } = failureOf(error);
  if (isMigrationError(error)) telemetry.log.warn(`${step.schema.name}: ${name}`, { error: name, message });
  else telemetry.log.error(`${step.schema.name}: ${name}`, { error: name, message });
  telemetry.count(name);
}

async function runStep(step: Step, event: unknown, dependencies: HandlerDependencies): Promise<unknown> {
  const { clock, ledger } = dependencies;
  const started = utcNow(clock);
  const who = identified.safeParse(event);
  const note = async (outcome: { result?: string; error?: { name: string; message: string } }): Promise<void> => {
    if (!who.success) return;
    const { migrationId: id, startedAt, round } = who.data;
    const since = startedAt === undefined ? started : new Date(startedAt).toISOString();
    await ledger.recordStep(id, { name: lineName(step, round), startedAt: since, endedAt: utcNow(clock), ...outcome });
  };
  try {
    const output = step.schema.output.parse(await step.run(parseInput(step, event), dependencies));
    await note({ result: JSON.stringify(output).slice(0, 1024) });
    return output;
  } catch (error) {
    tell(step, error, dependencies);
    // What the step threw matters more than a line that could not be written.
    await note({ error: failureOf(error) }).catch((second: unknown) => dependencies.telemetry.log.warn('step line not written', failureOf(second)));
    throw error;
  }
}

/** Makes the Lambda handler of a step. Nothing is bound at import: everything it needs is in `dependencies`. */
export function createHandler(
  step: Step,
  dependencies: HandlerDependencies,
  middlewares: MiddlewareObj<unknown, unknown>[] = [],
): (event: unknown, context: LambdaContext) => Promise<unknown> {
  const handler = middy<unknown, unknown>().use(middlewares);
  const stack = handler.handler((event: unknown) => runStep(step, event, dependencies));
  return (event, context) => Promise.resolve(stack(event, context, {} as never));
}
