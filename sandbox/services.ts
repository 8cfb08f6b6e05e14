/** The AWS services of a sandbox, over its world and the deployed application. */
import { createApiGatewayService } from './apigateway/service.ts';
import { loopbackValue } from './apigateway/addresses.ts';
import type { AssemblyStateMachine } from './assembly/assembly.ts';
import { Authorizer } from './authorization/authorizer.ts';
import { createCloudFormationService } from './cloudformation/service.ts';
import { createDynamoDb, type DynamoDb } from './dynamodb/service.ts';
import { createEc2Service } from './ec2/service.ts';
import { createEksAuthService } from './eks-auth/service.ts';
import { createEksService } from './eks/service.ts';
import { deployEvents } from './events/deploy.ts';
import { createEventsService } from './events/service.ts';
import { createGateway, type Gateway } from './gateway/gateway.ts';
import type { Ground } from './ground.ts';
import type { Service } from './http.ts';
import { createIamService } from './iam/service.ts';
import type { LambdaRuntime } from './lambda/runtime.ts';
import { stepOf } from './lambda/source-runtime.ts';
import { Buckets } from './s3/buckets.ts';
import { createS3Service } from './s3/service.ts';
import { Executions } from './states/executions.ts';
import { createStatesService } from './states/service.ts';
import { createStsService } from './sts/service.ts';

/** The services that need no functions, behind the gateway; the others are added to `services` later. */
export interface Front {
  services: Record<string, Service>;
  buckets: Buckets;
  authorizer: Authorizer;
  gateway: Gateway;
  /** Resolves once the ledger's tables exist. */
  ready: Promise<unknown>;
  /** Returns an item of a table as it is stored now, without a call. */
  item: DynamoDb['item'];
}

export const openFront = (
  { world, clock, assembly, bundled, controlPlanes }: Ground,
  invoke: LambdaRuntime['invoke'],
): Front => {
  const dynamodb = createDynamoDb(world);
  const ready = Promise.all(assembly.tables.map(dynamodb.createTable));
  const buckets = new Buckets({ world, clock, buckets: assembly.buckets ?? [] });
  const services: Record<string, Service> = {
    eks: controlPlanes.aroundEks(createEksService(world, controlPlanes)),
    'eks-auth': createEksAuthService(world),
    iam: createIamService(world),
    sts: createStsService(world),
    ec2: createEc2Service(world),
    dynamodb: dynamodb.service,
    s3: createS3Service(world, buckets),
  };
  // Functions in separate processes are identified only by their role.
  const stepsByRole = new Map(bundled ? assembly.functions.map((fn) => [fn.roleArn, stepOf(fn)]) : []);
  const authorizer = new Authorizer(world);
  const { apis = [] } = assembly;
  const gateway = createGateway({
    world,
    clock,
    services,
    authorizer,
    ...(apis.length === 0 ? {} : { apis: createApiGatewayService({ world, clock, apis, invoke }) }),
    stepOf: (role) => stepsByRole.get(role),
    kubernetes: controlPlanes.apiServer,
  });
  return { services, buckets, authorizer, gateway, ready, item: dynamodb.item };
};

/**
 * Adds the services that need the functions or the address of the sandbox, if it listens, to the gateway's services.
 */
export const openBack = (
  { options, world, clock, assembly, spokes }: Ground,
  { services, buckets, authorizer }: Front,
  lambda: LambdaRuntime,
  url: string | undefined,
) => {
  const {
    forgetHistories = false,
    interpret,
    definitionOf = ({ definition }: AssemblyStateMachine) => definition,
  } = options;
  const executions: Executions = new Executions({
    world,
    clock,
    stateMachines: assembly.stateMachines.map((machine) => ({
      ...machine,
      definition: definitionOf(machine, assembly),
    })),
    lambda,
    authorizer,
    buckets,
    forgetHistories,
    ...(interpret ? { interpret } : {}),
    onStatus: (execution) => bus.executionChanged(execution),
  });
  const startExecution: Executions['start'] = (...given) => executions.start(...given);
  const { bus, close: closeEvents } = deployEvents({
    world,
    clock,
    assembly,
    spokeRules: spokes.rules,
    authorizer,
    lambda,
    startExecution,
  });
  services['states'] = createStatesService(world, executions);
  services['events'] = createEventsService(world, bus);
  services['cloudformation'] = createCloudFormationService({
    world,
    stacks: [...(assembly.stacks ?? []), ...spokes.stacks],
    valueOf: (value) => (url === undefined ? value : loopbackValue(assembly.apis ?? [], value, url)),
  });
  const close = async (): Promise<void> => {
    closeEvents();
    for (const execution of executions.running()) execution.stop();
  };
  return { executions, bus, close };
};
