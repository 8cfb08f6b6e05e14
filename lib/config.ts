import type { Node } from 'constructs';
import { Aws } from 'aws-cdk-lib';
import { z } from 'zod';
import type { StepName } from '../lambdas/steps/schemas.ts';

/** `-c key=a,b` on the command line gives one string, `cdk.json` gives a list. */
const list = <Item extends z.ZodType>(item: Item) =>
  z.preprocess((value) => (typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value), z.array(item).min(1));

const OF_THIS_ACCOUNT = /^role\//;

/**
 * An ARN of IAM roles in which `*` stands for any text, as a policy's Resource takes it; or its end alone, from `role/`
 * on, of roles of the account that is deployed to.
 */
const roleArnPattern = z
  .string()
  .regex(
    /^(arn:(aws(-[a-z]+)*|\*):iam::(\d{12}|\*):)?role\/[\w+=,.@/*-]+$/,
    'must be an ARN pattern of IAM roles such as arn:aws:iam::111122223333:role/eks-addons/*, or role/eks-addons/* for those of this account',
  )
  .transform((pattern) => (OF_THIS_ACCOUNT.test(pattern) ? `arn:${Aws.PARTITION}:iam::${Aws.ACCOUNT_ID}:${pattern}` : pattern));

/** What can be set by CDK context (`cdk.json`, or `cdk deploy -c key=value`). */
const context = z.object({
  /** Roles that the service may hand to EKS and to pods. Default: every role of the account. */
  passableRoleArns: list(roleArnPattern).optional(),
  /** Roles whose trust policy the service may change. Default: none, and nothing that could do so is deployed. */
  repairableRoleArns: list(roleArnPattern).optional(),
  /** Level from which the Lambdas write log lines. */
  logLevel: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR']).default('INFO'),
});

export interface Config {
  passableRoleArns: string[];
  /** Absent: trust policies are only read. */
  repairableRoleArns?: string[];
  logLevel: z.infer<typeof context>['logLevel'];
}

/** Every role of the account that is deployed to. */
export const EVERY_ROLE = 'role/*';

/** The steps that write trust policies: who may do that can become those roles, so they are deployed by consent alone. */
const TRUST_STEPS = ['repair-trust', 'retire-trust'] as const satisfies StepName[];
export type TrustStep = (typeof TRUST_STEPS)[number];

const isTrustStep = (step: StepName): step is TrustStep => TRUST_STEPS.some((one) => one === step);

export const isDeployed = (step: StepName, { repairableRoleArns }: Config): boolean => repairableRoleArns !== undefined || !isTrustStep(step);

/** Reads and checks the app's context. Throws an Error that names each wrong key, what it must be, and where to set it. */
export function readConfig(node: Node): Config {
  const given = Object.fromEntries(Object.keys(context.shape).map((key) => [key, node.tryGetContext(key) as unknown]));
  const parsed = context.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`The CDK context is not right. Set it in cdk.json, or with -c key=value:\n${problems.join('\n')}`);
  }
  const { passableRoleArns = [roleArnPattern.parse(EVERY_ROLE)], repairableRoleArns, logLevel } = parsed.data;
  return { passableRoleArns, ...(repairableRoleArns === undefined ? {} : { repairableRoleArns }), logLevel };
}
