/** Starts executions for EventBridge and EventBridge Scheduler: as a role, whose permissions are evaluated. */
import type { Authorizer } from '../authorization/authorizer.ts';
import { denialOfRole } from '../authorization/resource-policy.ts';
import type { DeliveryFailure } from './messages.ts';
import type { World } from '../world/world.ts';

export interface StartOptions {
  world: World;
  clock: { now(): number };
  authorizer: Authorizer;
  /** Starts an execution; throws the API's refusal. */
  startExecution: (stateMachineArn: string, input: string, name: string) => unknown;
}

/** Errors of StartExecution by the ERROR_CODE of the dead letter. */
const START_CODES: Record<string, DeliveryFailure['code']> = {
  StateMachineDoesNotExist: 'NO_RESOURCE',
  ExecutionAlreadyExists: 'RESOURCE_ALREADY_EXISTS',
};

/** Returns undefined once the execution runs. The call is logged like every call of a service. */
export const startAs = (
  { world, clock, authorizer, startExecution }: StartOptions,
  roleArn: string,
  { arn, input, name }: { arn: string; input: string; name: string },
): DeliveryFailure | undefined => {
  const [, , , region = '', account = ''] = arn.split(':');
  const call = {
    at: new Date(clock.now()).toISOString(),
    service: 'states',
    operation: 'StartExecution',
    mutating: true,
    caller: roleArn,
    account,
    region,
    input: { stateMachineArn: arn, name },
  };
  const denial = denialOfRole(authorizer, [], { action: 'states:StartExecution', resource: arn }, { caller: roleArn });
  if (denial) {
    world.log.add({ ...call, status: 400, error: 'AccessDeniedException', denied: denial.action });
    return { code: 'NO_PERMISSIONS', message: denial.message };
  }
  try {
    startExecution(arn, input, name);
    world.log.add({ ...call, status: 200 });
    return undefined;
  } catch (error) {
    const { name: refusal, message } = error instanceof Error ? error : new Error(String(error));
    world.log.add({ ...call, status: 400, error: refusal });
    return { code: START_CODES[refusal] ?? 'ERROR_FROM_TARGET', message: `${refusal}: ${message}` };
  }
};
