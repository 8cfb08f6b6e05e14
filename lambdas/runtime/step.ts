import { z } from 'zod';
import { addonName, migrationId, target } from '../domain/model.ts';
import type { HandlerDependencies } from '../ports/index.ts';

/** Environment of every step's Lambda; the CDK construct that deploys it must give exactly these. */
export const stepEnvironment = z.object({
  /** Name of the ledger's DynamoDB table. */
  TABLE_NAME: z.string().min(1),
  POWERTOOLS_SERVICE_NAME: z.string().min(1),
  POWERTOOLS_METRICS_NAMESPACE: z.string().min(1),
  POWERTOOLS_LOG_LEVEL: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR']),
});
export type StepEnvironment = z.infer<typeof stepEnvironment>;

/** What every step gets: which migration, of what. `startedAt`: when the Wait before a poll began, for the step's line. */
export const stepInput = z.object({ migrationId, target, addon: addonName, startedAt: z.iso.datetime({ offset: true }).optional() });

/** A step that holds the lock: `fence` is the number under which `begin` took it. */
export const lockedStepInput = stepInput.extend({ fence: z.number().int().positive() });

/** What makes a step: its name (also the ledger line's, the function's and the bundle's), and its schemas. */
export interface StepSchema<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  name: string;
  input: Input;
  output: Output;
  environment: typeof stepEnvironment;
}

export const defineStep = <Input extends z.ZodType, Output extends z.ZodType>(
  name: string,
  schemas: { input: Input; output: Output },
): StepSchema<Input, Output> => ({ name, environment: stepEnvironment, ...schemas });

/** A step's work, pure of wiring: ask the ports, decide, act through the ports, answer. */
export type StepRun<Schema extends StepSchema> = (
  input: z.output<Schema['input']>,
  dependencies: HandlerDependencies,
) => Promise<z.input<Schema['output']>>;

/** A step as the registry, the sandbox and the runtime hold it: types erased, schemas kept. */
export interface Step {
  schema: StepSchema;
  run(input: unknown, dependencies: HandlerDependencies): Promise<unknown>;
}

export const step = <Schema extends StepSchema>(schema: Schema, run: StepRun<Schema>): Step => ({
  schema,
  run: (input, dependencies) => run(input as z.output<Schema['input']>, dependencies),
});
