import { z } from 'zod';
import { migrationId } from '../domain/text/names.ts';
import { operationKind } from '../domain/approval/approval.ts';
import { target, subjectName } from '../domain/terms/subject.ts';
import type { PacedService } from '../domain/aws/pace.ts';
import { byVariable } from '../domain/steps/work.ts';
import type { HandlerDependencies, TargetPorts } from '../ports/index.ts';
import { approvalEnvironment, approverEnvironment } from './step-settings.ts';

/** The environment of every step's Lambda; the CDK construct that deploys the step must set exactly these variables. */
export const stepEnvironment = z.object({
  /** The name of the ledger's DynamoDB table. */
  TABLE_NAME: z.string().min(1),
  POWERTOOLS_SERVICE_NAME: z.string().min(1),
  POWERTOOLS_METRICS_NAMESPACE: z.string().min(1),
  POWERTOOLS_LOG_LEVEL: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR']),
});

/**
 * The environment of a step that reads settings of the deployment that grow with its configuration: SETTINGS_FILE is the path
 * of their file (`deployment-settings.ts`). The step's function has the layer with that file.
 */
export const settingsEnvironment = stepEnvironment.extend({ SETTINGS_FILE: z.string().min(1) });
/** The environment of a step that works on clusters. ACCOUNT is the service's own account. */
export const targetEnvironment = settingsEnvironment.extend({ ACCOUNT: z.string().min(1) });
/**
 * The environment of a step that makes plans. KUBERNETES_ROLE_ARNS has the service's own roles that call API servers,
 * separated by commas: no nodes have them. The other variables are the roles of the steps that change something in EKS; IAM
 * is asked about them.
 */
export const planningEnvironment = targetEnvironment.extend(approvalEnvironment.shape).extend({
  KUBERNETES_ROLE_ARNS: z.string(),
  ...byVariable(() => z.string().min(1)),
});
/** The environment of a step that starts the state machine Retire, if the deployment has it. */
export const retiringEnvironment = z.object({ RETIRE_STATE_MACHINE_ARN: z.string().min(1).optional() });
/** The environment of a step that starts the state machine Recover. */
export const recoveringEnvironment = stepEnvironment.extend({ RECOVER_STATE_MACHINE_ARN: z.string().min(1) });

/** The environment of a step that starts migrations and rollbacks on request, and decides about approvals. */
export const startingEnvironment = recoveringEnvironment
  .extend(targetEnvironment.shape)
  .extend(approverEnvironment.shape)
  .extend({ STATE_MACHINE_ARN: z.string().min(1) });

/**
 * The input of every step: the migration, and its subject (an add-on's name, or `namespace/name` of a service account).
 * `startedAt` is when the Wait before a poll began, for the step's line.
 */
export const stepInput = z.object({
  migrationId,
  target,
  subject: subjectName,
  startedAt: z.iso.datetime({ offset: true }).optional(),
});

/**
 * Further input of a step that waits: the operation on a migration that has ended, and the execution that carries it out.
 * Absent if the migration itself waits.
 */
export const operationInput = { operation: operationKind.optional(), executionArn: z.string().optional() };

/**
 * The input of a step that holds the lock: `fence` is the number under which `begin` acquired it. `planHash` is the hash of
 * the plan that this execution has begun, which only Step Functions passes on; absent in a rollback, which relies on the
 * snapshot.
 */
export const lockedStepInput = stepInput.extend({
  fence: z.number().int().positive(),
  planHash: z.string().optional(),
});

/**
 * In a state machine's first step: the names of fields in the execution's input that the machine does not know. Absent in
 * machines of earlier releases.
 */
export const unknownFields = z
  .array(z.string())
  .superRefine((keys, context) => {
    if (keys.length > 0) context.addIssue({ code: 'unrecognized_keys', keys, input: {} });
  })
  .optional();

/** The input of a step of the change itself: `attempt` is the index in the plan's attempts. */
export const changingStepInput = lockedStepInput.extend({ attempt: z.number().int().min(0) });

/** The progress with the pods; absent in definitions of releases that replaced all pods at once. */
export const rollbackInput = {
  /** When the newest pod was created that existed at the deletion of an association; empty if none was deleted. */
  newestPodAt: z.string().optional(),
  /** How often a single pod was replaced to see what a new pod gets. */
  tries: z.number().int().min(0).optional(),
  /** The service accounts whose association is restored after their pods; empty if there are none. */
  deferred: z.string().optional(),
};

/**
 * The time-out of a step's Lambda in seconds, unless the step has its own. Every step that runs under a lock has this
 * time-out: its Lambda may still act for that long after its execution has stopped.
 */
export const LONGEST_LAMBDA_SECONDS = 60;

/**
 * What a step does if its calls would have to wait long for their turn: it `comes-back` later, because it only reads or
 * has changed nothing yet; it `waits` for some seconds, because a change is in progress; or it `goes-on` at once, because
 * software may be missing or is being restored.
 */
export type Patience = 'comes-back' | 'waits' | 'goes-on';

/** The definition of a step: everything about the step except its work and its permissions. */
export interface StepSchema<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  /** The step's name, which is also that of its folder, its line in the record, its function and its bundle. */
  name: string;
  /** What the step does, for people who follow a migration. */
  title: string;
  /**
   * The titles of everything else that the step does, by its name in the record and on the command line: its work on
   * another input, and the wait that follows it.
   */
  variants: Readonly<Record<string, string>>;
  /** The variant that is noted if the step works `towards: 'before'`, if that has a line of its own. */
  rollbackVariant?: string;
  /** The variant that is noted if the step works `towards: 'ready'`. */
  readyVariant?: string;
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
   * How many calls the step reserves of each service's shared pace before it begins: as few as it makes if there is little
   * to do, because other steps can't use calls that are reserved in vain. It reserves more while it works. A step without
   * this field reserves calls as it makes them.
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
      readyVariant?: NoInfer<Variant>;
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

/** A step's work, free of wiring: it reads through the ports, decides, acts through the ports, and returns its output. */
export type StepRun<Schema extends StepSchema> = (
  input: z.output<Schema['input']>,
  dependencies: HandlerDependencies,
) => Promise<z.input<Schema['output']>>;

/** A step as the registry, the sandbox and the runtime use it: with erased types and its schemas. */
export interface Step {
  schema: StepSchema;
  run(input: unknown, dependencies: HandlerDependencies): Promise<unknown>;
}

export const step = <Schema extends StepSchema>(schema: Schema, run: StepRun<Schema>): Step => ({
  schema,
  run: (input, dependencies) => run(input as z.output<Schema['input']>, dependencies),
});
