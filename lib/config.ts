import type { Node } from 'constructs';
import { Aws } from 'aws-cdk-lib';
import { z } from 'zod';
import type { ApproverRule } from '../lambdas/domain/approval.ts';
import type { ChangeWindow } from '../lambdas/domain/change-window.ts';
import type { StepName } from '../lambdas/steps/schemas.ts';
import type { Network } from './network/interfaces.ts';
import { everyRole, roleArnPattern } from './role-pattern.ts';

/** `-c key=a,b` on the command line gives one string, `cdk.json` gives a list. */
const list = <Item extends z.ZodType>(item: Item, missing: string) =>
  z.preprocess(
    (value) => (typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value),
    z.array(item, { error: ({ input }) => (input === undefined ? missing : 'must be a list, or text with commas between') }).min(1, missing),
  );

const PASSABLE = "must name the roles that the service may hand to EKS and to pods, by ARN or by path: -c 'passableRoleArns=role/eks-addons/*'";
const REPAIRABLE = "must name the roles whose trust policy the service may change, by ARN or by path: -c 'repairableRoleArns=role/eks-addons/*'; left out, it may change none";

const PRIVATE = 'for clusters whose API server has a private endpoint only';
const SUBNETS = `must name the subnets, all of one VPC, in which the Lambdas run that call API servers, ${PRIVATE}: -c 'subnetIds=subnet-0123456789abcdef0,subnet-0fedcba9876543210'`;
const SECURITY_GROUPS = `must name the security groups of the Lambdas that call API servers, ${PRIVATE}: -c 'securityGroupIds=sg-0123456789abcdef0'`;
const OR_NEITHER = 'Leave out both subnetIds and securityGroupIds for Lambdas in no VPC';
/** Lambda takes no more. Source: Lambda API Reference, VpcConfig. */
const [MOST_SUBNETS, MOST_SECURITY_GROUPS] = [16, 5];

/** Each once. Source of their form: Amazon Inspector API Reference, LambdaVpcConfig. */
const ec2Ids = (prefix: 'subnet' | 'sg', most: number, missing: string) =>
  list(z.string().regex(new RegExp(`^${prefix}-([0-9a-z]{8}|[0-9a-z]{17})$`), `must be an ID such as ${prefix}-0123456789abcdef0`), missing).superRefine((ids, refinement) => {
    if (ids.length > most) refinement.addIssue({ code: 'custom', message: `has ${ids.length} IDs, and Lambda takes at most ${most}` });
    const again = ids.find((id, index) => ids.indexOf(id) < index);
    if (again !== undefined) refinement.addIssue({ code: 'custom', message: `names ${again} more than once` });
  });

/** A managed policy by its ARN, or by its end alone from `policy/` on, of this account: one policy, without wildcards. */
const boundaryArn = z
  .string()
  .regex(/^(arn:aws(-[a-z]+)*:iam::(\d{12}|aws):)?policy(\/[\w+=,.@-]+)+$/, 'must be the ARN of a managed policy such as arn:aws:iam::111122223333:policy/boundary, or policy/boundary for one of this account')
  .refine((arn) => arn.split('/').every((part) => part !== '.' && part !== '..'), 'has a part . or .. between its slashes, which IAM does not resolve')
  .transform((arn) => (arn.startsWith('policy/') ? `arn:${Aws.PARTITION}:iam::${Aws.ACCOUNT_ID}:${arn}` : arn));

const KEY_ARN = /^arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/;
const isYes = (value: unknown): boolean => value === true || value === 'true' || value === 'create';
const isNo = (value: unknown): boolean => value === undefined || value === false || value === 'false';

/** `true`, or the ARN of a key that is there; an alias may be pointed elsewhere, so it is none. */
const customerKey = z
  .unknown()
  .refine((value) => isYes(value) || isNo(value) || (typeof value === 'string' && KEY_ARN.test(value)), 'must be true, or the ARN of a key such as arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab')
  .transform((value): 'create' | { arn: string } | undefined => {
    if (isNo(value)) return undefined;
    return isYes(value) ? 'create' : { arn: String(value) };
  });

/** Of a standard topic: the name of a FIFO one ends in `.fifo`. */
const topicArn = z.string().regex(/^arn:aws(-[a-z]+)*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}$/, 'must be the ARN of a standard topic of SNS, in the region of the stack, such as arn:aws:sns:eu-west-1:111122223333:alarms');

/** What can be set by CDK context (`cdk.json`, or `cdk deploy -c key=value`). */
const context = z.object({
  /** Roles that the service may hand to EKS and to pods. */
  passableRoleArns: list(roleArnPattern, PASSABLE),
  /** Roles whose trust policy the service may change. Default: none, and nothing that could do so is deployed. */
  repairableRoleArns: list(roleArnPattern, REPAIRABLE).optional(),
  /** Managed policy that limits every role of the service. Default: none. */
  permissionsBoundaryArn: boundaryArn.optional(),
  /** A KMS key of the customer's, made here or there already, for all that is kept. Default: AWS's own keys. */
  customerKey,
  /** Subnets of the Lambdas that call API servers. Default: they are in no VPC, and reach public endpoints alone. */
  subnetIds: ec2Ids('subnet', MOST_SUBNETS, SUBNETS).optional(),
  /** Security groups of the same Lambdas. */
  securityGroupIds: ec2Ids('sg', MOST_SECURITY_GROUPS, SECURITY_GROUPS).optional(),
  /** Topic of SNS that alarms are sent to. Default: they are seen in CloudWatch alone. */
  alarmTopicArn: topicArn.optional(),
  /** Level from which the Lambdas write log lines. */
  logLevel: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR']).default('INFO'),
});

export interface Config {
  passableRoleArns: string[];
  /** Absent: trust policies are only read. */
  repairableRoleArns?: string[];
  permissionsBoundaryArn?: string;
  /** Absent: AWS's own keys. */
  customerKey?: 'create' | { arn: string };
  /** Of the Lambdas that call API servers. Absent: they are in no VPC. */
  network?: Network;
  /** Absent: alarms do nothing but show. */
  alarmTopicArn?: string;
  logLevel: z.infer<typeof context>['logLevel'];
  approvals: { required: boolean; approver: ApproverRule };
  /** Of requests that carry none; absent: they begin at once. */
  changeWindow?: ChangeWindow;
}

/** The steps that write trust policies: who may do that can become those roles, so they are deployed by consent alone. */
const TRUST_STEPS = ['repair-trust', 'retire-trust'] as const satisfies StepName[];
export type TrustStep = (typeof TRUST_STEPS)[number];

const isTrustStep = (step: StepName): step is TrustStep => TRUST_STEPS.some((one) => one === step);

export const isDeployed = (step: StepName, { repairableRoleArns }: Pick<Config, 'repairableRoleArns'>): boolean => repairableRoleArns !== undefined || !isTrustStep(step);

/** The one without the other says nothing to Lambda. */
function bothOrNeither({ subnetIds, securityGroupIds }: Partial<Network>, refinement: z.core.$RefinementCtx): void {
  if ((subnetIds === undefined) === (securityGroupIds === undefined)) return;
  const [missing, message] = subnetIds === undefined ? ['subnetIds', SUBNETS] : ['securityGroupIds', SECURITY_GROUPS];
  refinement.addIssue({ code: 'custom', path: [missing], message: `${message}. ${OR_NEITHER}` });
}

/**
 * Reads and checks the app's context. `forEveryRole`: whatever the context says, every role of the account may be passed
 * and repaired; the sandbox's assembly is so. Throws an Error that names each wrong key, what it must be, and where to
 * set it.
 */
export function readConfig(node: Node, { forEveryRole = false }: { forEveryRole?: boolean } = {}): Config {
  const given = Object.fromEntries(Object.keys(context.shape).map((key) => [key, node.tryGetContext(key) as unknown]));
  const every = z.object({ passableRoleArns: z.unknown().transform(() => [everyRole()]), repairableRoleArns: z.unknown().transform(() => [everyRole()]) });
  const parsed = (forEveryRole ? context.extend(every.shape) : context).superRefine(bothOrNeither).safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`The CDK context is not right. Set it in cdk.json under "context", or with -c key=value:\n${problems.join('\n')}`);
  }
  const { repairableRoleArns, permissionsBoundaryArn, customerKey: key, subnetIds, securityGroupIds, alarmTopicArn, ...rest } = parsed.data;
  return {
    ...rest,
    approvals: { required: false, approver: 'another-session' },
    ...(repairableRoleArns === undefined ? {} : { repairableRoleArns }),
    ...(permissionsBoundaryArn === undefined ? {} : { permissionsBoundaryArn }),
    ...(key === undefined ? {} : { customerKey: key }),
    ...(alarmTopicArn === undefined ? {} : { alarmTopicArn }),
    ...(subnetIds === undefined || securityGroupIds === undefined ? {} : { network: { subnetIds, securityGroupIds } }),
  };
}
