/** Values of all environment variables of the steps' Lambdas. The schema of a step decides which of them it gets. */
import { Aws } from 'aws-cdk-lib';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { z } from 'zod';
import { METRICS_NAMESPACE, METRICS_SERVICE } from '../lambdas/domain/events/metrics.ts';
import type { RoleVariable } from '../lambdas/domain/steps/work.ts';
import type { StepName, stepSchemas } from '../lambdas/steps/schemas.ts';
import type { Config } from './config.ts';
import { VARIABLES } from './settings.ts';
import { SETTINGS_FILE } from './settings-layer.ts';

type AnyEnvironment = { [Name in StepName]: z.input<(typeof stepSchemas)[Name]['environment']> }[StepName];
type KeyOf<Of> = Of extends unknown ? keyof Of : never;
type ValueOf<Of, Key> = Of extends unknown ? (Key extends keyof Of ? Of[Key] : never) : never;
type AllVariables = { [Key in KeyOf<AnyEnvironment>]: ValueOf<AnyEnvironment, Key> };
type OptionalVariable = {
  [Key in keyof AllVariables]: undefined extends AllVariables[Key] ? Key : never;
}[keyof AllVariables];
/** Every variable of any step. A new variable without a value here does not compile. */
export type StepVariables = Omit<AllVariables, OptionalVariable> & Partial<Pick<AllVariables, OptionalVariable>>;

export interface StepVariablesOptions {
  config: Config;
  /** Name of the ledger's table. */
  tableName: string;
  bucket: s3.IBucket;
  /** ARNs of the roles of steps that make changes in EKS, whose rights a plan checks. */
  acting: Record<RoleVariable, string>;
  /** ARNs of all roles that have access entries in clusters, joined by commas. */
  kubernetesRoleArns: string;
  stateMachineArn: string;
  recoverStateMachineArn: string;
  sweepStateMachineArn: string;
  /** Undefined if the deployment has no Retire. */
  retireStateMachineArn: string | undefined;
}

type SettingVariables = { [Name in keyof typeof VARIABLES]: ReturnType<(typeof VARIABLES)[Name]> };
const settingVariables = (config: Config): SettingVariables =>
  Object.fromEntries(Object.entries(VARIABLES).map(([name, valueOf]) => [name, valueOf(config)])) as SettingVariables;

export function stepVariables({
  config,
  tableName,
  bucket,
  acting,
  kubernetesRoleArns,
  stateMachineArn,
  recoverStateMachineArn,
  sweepStateMachineArn,
  retireStateMachineArn,
}: StepVariablesOptions): StepVariables {
  return {
    TABLE_NAME: tableName,
    POWERTOOLS_SERVICE_NAME: METRICS_SERVICE,
    POWERTOOLS_METRICS_NAMESPACE: METRICS_NAMESPACE,
    SETTINGS_FILE,
    ACCOUNT: Aws.ACCOUNT_ID,
    ...settingVariables(config),
    ...acting,
    KUBERNETES_ROLE_ARNS: kubernetesRoleArns,
    STATE_MACHINE_ARN: stateMachineArn,
    RECOVER_STATE_MACHINE_ARN: recoverStateMachineArn,
    SWEEP_STATE_MACHINE_ARN: sweepStateMachineArn,
    ...(retireStateMachineArn === undefined ? {} : { RETIRE_STATE_MACHINE_ARN: retireStateMachineArn }),
    BUCKET_NAME: bucket.bucketName,
  };
}
