/** A deployed application's stack outputs and API address. */
import { loopbackUrlOf } from './apigateway/addresses.ts';
import type { AssemblyApi } from './assembly/apis.ts';
import type { Assembly } from './assembly/assembly.ts';

/**
 * Values from the template's outputs: ARNs of the deployed state machines, the name of the ledger's table, and the
 * roles that call API servers: all of them, those that restart workloads, and those that change service accounts.
 * Retire exists only if trust policies may be changed.
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

/** Throws an Error if an output is missing. `directory` is the application's directory, for the message. */
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

/** Returns the URL of the first stage of the first API. `url` is the sandbox's listening address. */
export const apiUrlOf = (apis: readonly AssemblyApi[], url: string | undefined): string | undefined => {
  const [api] = apis;
  const [stage] = api?.stages ?? [];
  if (!api || !stage) return undefined;
  return url === undefined ? `https://${api.host}/${stage.name}` : loopbackUrlOf(apis, api, stage.name, url);
};
