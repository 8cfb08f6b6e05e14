import { aroundClient, aroundHttp } from '../adapters/around.ts';
import { ClientFactory } from '../adapters/clients.ts';
import { AwsEks } from '../adapters/aws-eks.ts';
import { AwsEvents } from '../adapters/aws-events.ts';
import { AwsFleet } from '../adapters/aws-fleet.ts';
import { AwsExecutions } from '../adapters/aws-executions.ts';
import { AwsRoles } from '../adapters/aws-roles.ts';
import { createDynamoLedger } from '../adapters/dynamo-ledger.ts';
import { createDynamoPace } from '../adapters/dynamo-pace.ts';
import { createDynamoSweeps } from '../adapters/dynamo-sweeps.ts';
import { eksToken } from '../adapters/eks-token.ts';
import { createHttpKubernetes } from '../adapters/http-kubernetes.ts';
import { readSettingsFile } from '../adapters/settings-file.ts';
import type { DeploymentSettings } from '../domain/settings/deployment.ts';
import { MigrationError } from '../domain/failures/errors.ts';
import type { Target } from '../domain/terms/subject.ts';
import type {
  AroundCalls,
  Clock,
  Documents,
  HandlerDependencies,
  Ids,
  TargetPorts,
  Telemetry,
} from '../ports/index.ts';
import { Callers, ownClients, type TargetClients } from './callers.ts';
import { settingsIn } from './step-settings.ts';
import { stepEnvironment, type StepSchema } from './step.ts';

export interface PortsOptions {
  /** Wraps each call of the ports. */
  around?: AroundCalls | undefined;
  /** The ARNs of the service's own roles, as far as they have access entries. */
  ofService?: readonly string[];
  /** The clients to create the ports from; the caller's own if it is absent. */
  spokeClients?: TargetClients;
}

/**
 * Returns the ports of one target with the caller's own credentials, in the caller's account, unless other clients are given.
 */
export function portsOf(
  clients: ClientFactory,
  target: Target,
  { around, ofService = [], spokeClients }: PortsOptions = {},
): TargetPorts {
  const { transport } = clients.config;
  const there = spokeClients ?? ownClients(clients, target);
  const client = aroundClient(there.eks.eks(), 'eks', around);
  const eks = new AwsEks(client, target.cluster, ofService);
  const kubernetes = createHttpKubernetes({
    cluster: target.cluster,
    http: aroundHttp(transport.http, around),
    endpoint: async () => {
      const cluster = await eks.knownCluster();
      if (!cluster?.endpoint)
        throw new MigrationError(
          'NotFound',
          `Cluster ${target.cluster} in ${target.region} has no API server endpoint. Wait until the cluster is ACTIVE, then try again.`,
        );
      // Without its certificate authority, Node would trust every public authority.
      if (!cluster.certificateAuthority)
        throw new MigrationError(
          'NotFound',
          `Cluster ${target.cluster} in ${target.region} has no certificate authority, so that its API server can't be authenticated. Wait until the cluster is ACTIVE, then try again.`,
        );
      return { url: cluster.endpoint, certificateAuthority: cluster.certificateAuthority };
    },
    // The token is signed with the machine's own time, as the SDK signs requests.
    token: async () =>
      (transport.eksToken ?? eksToken)({
        cluster: target.cluster,
        region: target.region,
        credentials: await there.kubernetes.eks().config.credentials(),
        now: new Date(),
      }),
  });
  return { eks, roles: new AwsRoles(aroundClient(there.iam.iam(), 'iam', around)), kubernetes };
}

export interface WireOptions {
  clients: ClientFactory;
  /** The name of the step that is wired, which determines its roles in other accounts. */
  step: string;
  environment: Record<string, string | undefined>;
  /** The deployment's settings, as `deploymentSettingsOf` reads them; absent for functions that use none. */
  deployment?: DeploymentSettings | undefined;
  clock: Clock;
  ids: Ids;
  telemetry: Telemetry;
  /** Creates the bucket's port from the name that `bucket` returns; absent for functions without a bucket. */
  documentsOf?: ((clients: ClientFactory, bucket: () => string) => Documents) | undefined;
}

const refuseDocuments = (): never => {
  throw new MigrationError('BadInput', 'The function has no bucket. Deploy the service again.');
};
/** The port of a function that does not use the bucket. */
const noDocuments: Documents = { put: refuseDocuments, get: refuseDocuments, list: refuseDocuments };

/** Returns a variable that only some steps have. Throws BadInput, when the variable is needed, if it is not set. */
function requireVariable(environment: WireOptions['environment'], name: string): string {
  const value = environment[name];
  if (value) return value;
  throw new MigrationError(
    'BadInput',
    `The environment variable ${name} of this function is not set; deploy the service again, so that the function gets it.`,
  );
}

const listIn = (value: string | undefined): string[] =>
  (value ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/**
 * Returns the settings that ship with a step's function; undefined for a step that uses none. Throws BadInput if the step uses
 * them and its function has no settings file, or a wrong one.
 */
export function deploymentSettingsOf(
  { environment: { shape } }: Pick<StepSchema, 'environment'>,
  environment: WireOptions['environment'],
): DeploymentSettings | undefined {
  return 'SETTINGS_FILE' in shape ? readSettingsFile(requireVariable(environment, 'SETTINGS_FILE')) : undefined;
}

/**
 * Creates everything that a step needs from clients and an environment, in the same way in a Lambda and in the sandbox. It
 * knows no end of the invocation: the handler does.
 */
export function wire({
  clients,
  step,
  environment,
  deployment,
  clock,
  ids,
  telemetry,
  documentsOf,
}: WireOptions): HandlerDependencies {
  const { TABLE_NAME } = stepEnvironment.parse(environment);
  const settings = settingsIn(environment, clients.config.region, deployment);
  const callers = new Callers(clients, step, settings);
  return {
    portsFor: (target, around) =>
      portsOf(clients, target, {
        around,
        ofService: listIn(environment['KUBERNETES_ROLE_ARNS']),
        spokeClients: callers.in(target),
      }),
    fleetOf: (location, around) => new AwsFleet(aroundClient(callers.in(location).eks.eks(), 'eks', around)),
    ledger: createDynamoLedger({ client: clients.dynamodb(), tableName: TABLE_NAME }),
    executions: new AwsExecutions({
      client: clients.stepFunctions(),
      stateMachineArn: () => requireVariable(environment, 'STATE_MACHINE_ARN'),
      recoverStateMachineArn: () => requireVariable(environment, 'RECOVER_STATE_MACHINE_ARN'),
      retireStateMachineArn: () => requireVariable(environment, 'RETIRE_STATE_MACHINE_ARN'),
      sweepStateMachineArn: () => requireVariable(environment, 'SWEEP_STATE_MACHINE_ARN'),
    }),
    sweeps: createDynamoSweeps({ client: clients.dynamodb(), tableName: TABLE_NAME }),
    pace: createDynamoPace({ client: clients.dynamodb(), tableName: TABLE_NAME }),
    documents: documentsOf?.(clients, () => requireVariable(environment, 'BUCKET_NAME')) ?? noDocuments,
    events: new AwsEvents(clients.eventBridge()),
    settings,
    clock,
    ids,
    telemetry,
    remainingTime: () => Number.MAX_SAFE_INTEGER,
  };
}
