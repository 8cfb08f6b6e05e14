/**
 * Automation documents of Systems Manager, schema version 0.3, as far as the runbook's actions go. Sources, Systems
 * Manager User Guide: "Data elements and parameters", "Properties shared by all actions" (automation-actions),
 * "aws:branch", "aws:executeScript", "aws:executeStateMachine", "Using action outputs as inputs". API Reference: StepExecution.
 */
import { z } from 'zod';
import { words } from '../words.ts';

const stepName = z.string().regex(/^[A-Za-z0-9_]{1,128}$/);
const onFailure = z.string().regex(/^(Abort|Continue|step:[A-Za-z0-9_]+)$/);

/** `displayType`, `minItems` and the like are not used. */
const parameter = z.strictObject({
  type: z.enum(['String', 'StringList', 'Integer', 'Boolean', 'MapList', 'StringMap']),
  description: z.string().optional(),
  default: z.string().optional(),
  allowedValues: z.array(z.string().min(1)).min(1).optional(),
  allowedPattern: z.string().optional(),
  minChars: z.number().int().optional(),
  maxChars: z.number().int().positive().optional(),
});

const output = z.strictObject({
  Name: z.string(),
  Selector: z.string().startsWith('$'),
  Type: z.enum(['String', 'StringList', 'Integer', 'Boolean', 'StringMap', 'MapList']),
});
const shared = {
  name: stepName,
  description: z.string().optional(),
  maxAttempts: z.number().int().positive().optional(),
  timeoutSeconds: z.number().int().positive().optional(),
  onFailure: onFailure.optional(),
  onCancel: z
    .string()
    .regex(/^(Abort|step:[A-Za-z0-9_]+)$/)
    .optional(),
  isCritical: z.boolean().optional(),
  isEnd: z.boolean().optional(),
  nextStep: stepName.optional(),
  outputs: z.array(output).optional(),
};

const executeScript = z.strictObject({
  ...shared,
  action: z.literal('aws:executeScript'),
  // "Each aws:executeScript action can run up to a maximum duration of 600 seconds".
  timeoutSeconds: z.number().int().positive().max(600).optional(),
  inputs: z.strictObject({
    Runtime: z.literal('python3.11'),
    Handler: z.string(),
    InputPayload: z.record(z.string(), z.unknown()),
    Script: z.string(),
  }),
});
const executeStateMachine = z.strictObject({
  ...shared,
  action: z.literal('aws:executeStateMachine'),
  inputs: z.strictObject({ stateMachineArn: z.string(), name: z.string().optional(), input: z.string().optional() }),
});

/** `And`, `Or`, `Not` and the other comparisons are not used. */
const branch = z.strictObject({
  ...shared,
  action: z.literal('aws:branch'),
  inputs: z.strictObject({
    Choices: z.array(z.strictObject({ NextStep: stepName, Variable: z.string(), StringEquals: z.string() })).min(1),
    Default: stepName.optional(),
  }),
});

export const step = z.discriminatedUnion('action', [branch, executeScript, executeStateMachine]);
export type Step = z.infer<typeof step>;

export const automationDocument = z.strictObject({
  schemaVersion: z.literal('0.3'),
  description: z.string(),
  assumeRole: z.string(),
  parameters: z.record(z.string().regex(/^[A-Za-z0-9_]+$/), parameter),
  mainSteps: z.array(step).min(1),
  outputs: z.array(z.string().regex(/^[A-Za-z0-9_]+\.[A-Za-z0-9_]+$/)),
});
export type AutomationDocument = z.infer<typeof automationDocument>;
export type Parameter = z.infer<typeof parameter>;

/** What each action puts out by itself. */
export const PREDEFINED: Record<Step['action'], string[]> = {
  'aws:branch': [],
  'aws:executeScript': ['Payload'],
  'aws:executeStateMachine': words`executionArn input name output startDate stateMachineArn status stopDate`,
};

/** Every `{{ … }}` in a value. */
export const referencesIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [...value.matchAll(/\{\{\s*([^{}]+?)\s*\}\}/g)].map((match) => match[1]!);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(referencesIn) : [];
};

/** Where a step may lead. */
export const waysOf = (one: Step): string[] => {
  const { nextStep, onFailure: failed, onCancel: cancelled } = one;
  const chosen =
    one.action === 'aws:branch' ? [...one.inputs.Choices.map(({ NextStep }) => NextStep), one.inputs.Default] : [];
  return [nextStep, failed?.replace('step:', ''), cancelled?.replace('step:', ''), ...chosen].filter(
    (name) => name !== undefined && name !== 'Abort' && name !== 'Continue',
  ) as string[];
};
