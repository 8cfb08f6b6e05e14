/** The environment variables that each step has beside those of all steps. */
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { z } from 'zod';
import type { RoleVariable } from '../lambdas/domain/plan/acting.ts';
import type { StepEnvironment, targetEnvironment } from '../lambdas/runtime/step.ts';
import type { StepName, stepSchemas } from '../lambdas/steps/schemas.ts';
import type { Config } from './config.ts';

type Environment<Name extends StepName> = z.input<(typeof stepSchemas)[Name]['environment']>;
/** What a step's environment has beside that of all steps, and of all that work on clusters. */
type Own<Name extends StepName> = Omit<
  Environment<Name>,
  keyof StepEnvironment | keyof z.infer<typeof targetEnvironment>
>;
/** Each step with variables of its own, and these: one that is missing does not compile. */
type OwnEnvironments = { [Name in StepName as keyof Own<Name> extends never ? never : Name]: Own<Name> };

export interface OwnEnvironmentOptions {
  config: Config;
  bucket: s3.IBucket;
  /** ARNs of the roles of the steps that change something in EKS, whose rights a plan checks. */
  acting: Record<RoleVariable, string>;
  /** ARNs of all roles with an access entry of their own in clusters, joined by commas. */
  kubernetesRoleArns: string;
  stateMachineArn: string;
  recoverStateMachineArn: string;
  sweepStateMachineArn: string;
  /** Undefined where the deployment has no Retire. */
  retireStateMachineArn: string | undefined;
}

export function ownEnvironments({
  config,
  bucket,
  acting,
  kubernetesRoleArns,
  stateMachineArn,
  recoverStateMachineArn,
  sweepStateMachineArn,
  retireStateMachineArn,
}: OwnEnvironmentOptions): OwnEnvironments & { [Name in StepName]?: object } {
  const approval = { APPROVAL_REQUIRED: config.approvals.required ? 'true' : 'false' } as const;
  const approver = {
    APPROVER: config.approvals.approver,
    ALLOW_UNKNOWN_REQUESTER: config.approvals.allowUnknownRequester ? 'true' : 'false',
  } as const;
  const planning = { ...acting, KUBERNETES_ROLE_ARNS: kubernetesRoleArns, ...approval };
  const waiting = {
    MOST_WAITING_PER_PRINCIPAL: String(config.waiting.perPrincipal),
    MOST_WAITING: String(config.waiting.perDeployment),
  };
  const retiring = retireStateMachineArn === undefined ? {} : { RETIRE_STATE_MACHINE_ARN: retireStateMachineArn };
  const kept = { BUCKET_NAME: bucket.bucketName };
  return {
    plan: planning,
    'request-approval': waiting,
    'await-window': waiting,
    // Once more, since what it is given to carry out is read from the ledger.
    begin: { ...approval, ...approver },
    'find-stranded': { RECOVER_STATE_MACHINE_ARN: recoverStateMachineArn, ...retiring },
    'diagnose-denial': {
      STATE_MACHINE_ARN: stateMachineArn,
      DENIAL_ACTION: config.denials.action,
      QUIET_HOURS: String(config.denials.quietHours),
    },
    api: {
      STATE_MACHINE_ARN: stateMachineArn,
      RECOVER_STATE_MACHINE_ARN: recoverStateMachineArn,
      SWEEP_STATE_MACHINE_ARN: sweepStateMachineArn,
      ...retiring,
      ...approval,
      ...approver,
      ...waiting,
    },
    'start-sweep': { SWEEP_STATE_MACHINE_ARN: sweepStateMachineArn },
    'begin-sweep': kept,
    'take-inventory': { ...planning, ...kept },
    'dispatch-sweep': { STATE_MACHINE_ARN: stateMachineArn },
    'report-sweep': kept,
  };
}
