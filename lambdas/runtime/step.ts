import { z } from 'zod';
import { approverRule, migrationId, target } from '../domain/model.ts';
import { byVariable } from '../domain/plan/acting.ts';
import { subjectName } from '../domain/subject.ts';
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

/** A step of the change itself: `rung` is the index of the way in the plan's ladder. */
export const changingStepInput = lockedStepInput.extend({ rung: z.number().int().min(0) });

/** How far the way back has come with the pods; absent in definitions of releases that replaced all at once. */
export const goingBackInput = {
  /** When the newest pod was created that was there as an association went; empty where none went. */
  newestPodAt: z.string().optional(),
  /** How often one pod was replaced, to see what a new one gets. */
  tries: z.number().int().min(0).optional(),
  /** Service accounts whose association comes back after their pods; empty where there are none. */
  deferred: z.string().optional(),
};

/** What makes a step: its name (also the ledger line's, the function's and the bundle's), and its schemas. */
export interface StepSchema<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  name: string;
  input: Input;
  output: Output;
  environment: z.ZodObject<typeof stepEnvironment.shape>;
  /**
   * Of a step of the change: it is not begun when somebody has asked the migration to stop (`Cancelled`). Never of the
   * way back: an input with `towards: 'before'` is not stopped either.
   */
  cancellable: boolean;
  /**
   * Its input is a request that somebody outside has made: what is wrong with that is answered by the step, not thrown
   * at whoever called the function.
   */
  answersProblems: boolean;
  /** Whether its calls are noted as a step of the migration. */
  hasLine: boolean;
  /** Of its Lambda; that of all steps where it is left out. */
  timeoutSeconds?: number;
  /** MB of its Lambda's memory; that of all steps where it is left out. */
  memoryMb?: number;
}

export const defineStep = <
  Input extends z.ZodType,
  Output extends z.ZodType,
  Environment extends z.ZodObject<typeof stepEnvironment.shape> = typeof stepEnvironment,
>(
  name: string,
  schemas: {
    input: Input;
    output: Output;
    environment?: Environment;
    cancellable?: boolean;
    answersProblems?: boolean;
    hasLine?: boolean;
    timeoutSeconds?: number;
    memoryMb?: number;
  },
): StepSchema<Input, Output> & { environment: Environment } => ({
  cancellable: false,
  answersProblems: false,
  hasLine: true,
  ...schemas,
  name,
  environment: schemas.environment ?? (stepEnvironment as unknown as Environment),
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
