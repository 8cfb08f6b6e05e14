/** What a deployed application says of itself: its stack's outputs, and where its API answers. */
import { loopbackUrlOf } from './apigateway/addresses.ts';
import type { AssemblyApi } from './assembly/apis.ts';
import type { Assembly } from './assembly/assembly.ts';

/**
 * ARNs of the deployed state machines, the name of the ledger's table, and the roles that call API servers, all of
 * them, those that restart workloads there and those that change service accounts, as the template's outputs say;
 * Retire is there where roles' trust may be changed.
 */
export interface SandboxOutputs {
  stateMachineArn: string;
  recoverStateMachineArn: string;
  retireStateMachineArn?: string;
  sweepStateMachineArn?: string;
  sweepBucketName?: string;
  tableName: string;
  kubernetesRoleArns: string[];
  restartRoleArns: string[];
  annotateRoleArns: string[];
}

/** Throws an Error where an output is missing. `directory`: where the application is, for the message. */
export const outputsOf = ({ outputs }: Assembly, directory: string): SandboxOutputs => {
  const required = (name: string): string => {
    const value = outputs[name];
    if (value !== undefined) return value;
    throw new Error(`The application in ${directory} has no output ${name}. Build the project again (npm run build).`);
  };
  const {
    RetireStateMachineArn: retireStateMachineArn,
    SweepStateMachineArn: sweepStateMachineArn,
    SweepBucketName: sweepBucketName,
  } = outputs;
  return {
    stateMachineArn: required('StateMachineArn'),
    recoverStateMachineArn: required('RecoverStateMachineArn'),
    ...(retireStateMachineArn === undefined ? {} : { retireStateMachineArn }),
    ...(sweepStateMachineArn === undefined ? {} : { sweepStateMachineArn }),
    ...(sweepBucketName === undefined ? {} : { sweepBucketName }),
    tableName: required('TableName'),
    kubernetesRoleArns: required('KubernetesRoleArns').split(','),
    restartRoleArns: required('KubernetesRestartRoleArns').split(','),
    annotateRoleArns: required('KubernetesAnnotateRoleArns').split(','),
  };
};

/** Of the first stage of the first API. `url`: where the sandbox listens. */
export const apiUrlOf = (apis: readonly AssemblyApi[], url: string | undefined): string | undefined => {
  const [api] = apis;
  const [stage] = api?.stages ?? [];
  if (!api || !stage) return undefined;
  return url === undefined ? `https://${api.host}/${stage.name}` : loopbackUrlOf(apis, api, stage.name, url);
};
