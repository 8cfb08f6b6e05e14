import { z } from 'zod';
import { approverRule, migrationId, target } from '../domain/migration/model.ts';
import type { PacedService } from '../domain/aws/pace.ts';
import { byVariable } from '../domain/plan/acting.ts';
import { subjectName } from '../domain/migration/subject.ts';
import type { HandlerDependencies, TargetPorts } from '../ports/index.ts';

/** Environment of every step's Lambda; the CDK construct that deploys it must give exactly these. */
export const stepEnvironment = z.object({
  /** Name of the ledger's DynamoDB table. */
  TABLE_NAME: z.string().min(1),
  POWERTOOLS_SERVICE_NAME: z.string().min(1),
  POWERTOOLS_METRICS_NAMESPACE: z.string().min(1),
  POWERTOOLS_LOG_LEVEL: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR']),
});
export type StepEnvironment = z.infer<typeof stepEnvironment>;

/**
 * A step that reads settings of the deployment that grow with its configuration: SETTINGS_FILE is the path of their
 * file (`deployment-settings.ts`). Its function has the layer with that file.
 */
export const settingsEnvironment = stepEnvironment.extend({ SETTINGS_FILE: z.string().min(1) });
/** A step that works on clusters. ACCOUNT: the service's own. */
export const targetEnvironment = settingsEnvironment.extend({ ACCOUNT: z.string().min(1) });
/** A step that decides whether somebody has to approve: `true` where every change has to be approved. */
export const approvalEnvironment = z.object({ APPROVAL_REQUIRED: z.enum(['true', 'false']) });
/** A step that admits migrations among those that wait: how many may, of one principal and in all. */
export const waitingEnvironment = z.object({
  MOST_WAITING_PER_PRINCIPAL: z.string().min(1),
  MOST_WAITING: z.string().min(1),
});
/**
 * A step that judges who may approve what somebody requested. ALLOW_UNKNOWN_REQUESTER: `true` where that may be somebody
 * whom nobody has authenticated.
 */
export const approverEnvironment = z.object({
  APPROVER: approverRule,
  ALLOW_UNKNOWN_REQUESTER: z.enum(['true', 'false']),
});
/**
 * A step that makes plans. KUBERNETES_ROLE_ARNS: the service's own roles that call API servers, separated by commas: no
 * nodes have them. The others: the roles of the steps that change something in EKS, about which IAM is asked.
 */
export const planningEnvironment = targetEnvironment.extend(approvalEnvironment.shape).extend({
  KUBERNETES_ROLE_ARNS: z.string(),
  ...byVariable(() => z.string().min(1)),
});
/** A step that starts the state machine Retire, where the deployment has it. */
export const retiringEnvironment = z.object({ RETIRE_STATE_MACHINE_ARN: z.string().min(1).optional() });
/** A step that starts the state machine Recover. */
export const recoveringEnvironment = stepEnvironment.extend({ RECOVER_STATE_MACHINE_ARN: z.string().min(1) });

/** What starts migrations for somebody outside, and rollbacks, and decides about approvals. */
export const startingEnvironment = recoveringEnvironment
  .extend(targetEnvironment.shape)
  .extend(approverEnvironment.shape)
  .extend({ STATE_MACHINE_ARN: z.string().min(1) });

/**
 * What every step gets: which migration, of what (an add-on's name, or `namespace/name` of a service account).
 * `startedAt`: when the Wait before a poll began, for the step's line.
 */
export const stepInput = z.object({
  migrationId,
  target,
  subject: subjectName,
  startedAt: z.iso.datetime({ offset: true }).optional(),
});

/**
 * A step that holds the lock: `fence` is the number under which `begin` took it. `planHash`: of the plan that this
 * execution has begun, which only Step Functions tells; absent on the way back, which goes by the snapshot.
 */
export const lockedStepInput = stepInput.extend({
  fence: z.number().int().positive(),
  planHash: z.string().optional(),
});

/**
 * Of a state machine's first step: names of fields of the execution's input that it does not know. Absent from machines
 * of a release before.
 */
export const unknownFields = z
  .array(z.string())
  .superRefine((keys, context) => {
    if (keys.length > 0) context.addIssue({ code: 'unrecognized_keys', keys, input: {} });
  })
  .optional();

/** A step of the change itself: `attempt` is the index of the way in the plan's ladder. */
export const changingStepInput = lockedStepInput.extend({ attempt: z.number().int().min(0) });

/** How far the way back has come with the pods; absent in definitions of releases that replaced all at once. */
export const rollbackInput = {
  /** When the newest pod was created that was there as an association went; empty where none went. */
  newestPodAt: z.string().optional(),
  /** How often one pod was replaced, to see what a new one gets. */
  tries: z.number().int().min(0).optional(),
  /** Service accounts whose association comes back after their pods; empty where there are none. */
  deferred: z.string().optional(),
};

/**
 * The time-out of a step's Lambda in seconds, unless the step has its own. Every step that runs under a lock has this
 * one: for so long its Lambda may still act after its execution has stopped.
 */
export const LONGEST_LAMBDA_SECONDS = 60;

/**
 * What a step does if its calls would have to wait long for their turn: it `comes-back` later, because it only reads or
 * has changed nothing yet; it `waits` for some seconds, because a change is under way; or it `goes-on` at once, because
 * software may be missing or is being restored.
 */
export type Patience = 'comes-back' | 'waits' | 'goes-on';

/** The definition of a step. Everything that is known of a step apart from its work and its permissions is here. */
export interface StepSchema<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  /** Also the name of its folder, its line in the record, its function and its bundle. */
  name: string;
  /** What the step does, for people who follow a migration. */
  title: string;
  /**
   * Titles of everything else that the step does, by the name that the record and the command line have for it: what it
   * does on another input, and the wait that follows it.
   */
  variants: Readonly<Record<string, string>>;
  /** The variant that is noted if the step works `towards: 'before'`, if that has a line of its own. */
  rollbackVariant?: string;
  input: Input;
  output: Output;
  environment: z.ZodObject<typeof stepEnvironment.shape>;
  /**
   * Whether the step is part of the change, so that it does not begin after a person has cancelled the migration
   * (`Cancelled`). A step that works `towards: 'before'` begins nevertheless, as does every other step of the rollback.
   */
  cancellable: boolean;
  /**
   * Whether the input is a request from outside the service. The step itself then answers what is wrong with the
   * request, instead of the handler throwing it at the caller of the function.
   */
  answersProblems: boolean;
  /** Whether the step has a line in the migration's record. */
  hasLine: boolean;
  /** The ports of the target through which the step changes something. */
  changes: readonly (keyof TargetPorts)[];
  /**
   * How many calls the step reserves of each service's shared pace before it begins: as few as it makes where there is
   * little to do, because others can't use what is reserved in vain. It reserves more while it works. A step that
   * doesn't say it reserves as it calls.
   */
  calls?: Readonly<Partial<Record<PacedService, number>>>;
  /** What the step does if its turn is not near. During a rollback every step goes on at once. */
  patience: Patience;
  /** The time-out of its Lambda. */
  timeoutSeconds: number;
  /** The memory of its Lambda in MB. */
  memoryMb: number;
}

/** The fields of a definition that have a default. */
type Defaults = Pick<
  StepSchema,
  'cancellable' | 'answersProblems' | 'hasLine' | 'changes' | 'patience' | 'timeoutSeconds' | 'memoryMb'
>;
const DEFAULTS: Defaults = {
  cancellable: false,
  answersProblems: false,
  hasLine: true,
  changes: [],
  patience: 'waits',
  timeoutSeconds: LONGEST_LAMBDA_SECONDS,
  memoryMb: 512,
};

export const defineStep = <
  Input extends z.ZodType,
  Output extends z.ZodType,
  Environment extends z.ZodObject<typeof stepEnvironment.shape> = typeof stepEnvironment,
  Variant extends string = never,
>(
  name: string,
  definition: Pick<StepSchema, 'title' | 'calls'> &
    Partial<Defaults> & {
      input: Input;
      output: Output;
      environment?: Environment;
      variants?: Readonly<Record<Variant, string>>;
      rollbackVariant?: NoInfer<Variant>;
    },
): Omit<StepSchema<Input, Output>, 'environment' | 'variants'> & {
  environment: Environment;
  variants: Readonly<Record<Variant, string>>;
} => ({
  ...DEFAULTS,
  ...definition,
  name,
  environment: definition.environment ?? (stepEnvironment as unknown as Environment),
  variants: definition.variants ?? ({} as Record<Variant, string>),
});

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
