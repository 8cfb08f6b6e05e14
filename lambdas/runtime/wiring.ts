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
import { approverRule } from '../domain/approval/approval.ts';
import { denialSettings, type DenialSettings } from '../domain/events/denial.ts';
import type { DeploymentSettings } from '../domain/settings/deployment.ts';
import { MigrationError } from '../domain/failures/errors.ts';
import type { Target } from '../domain/migration/model.ts';
import { ACTING_STEPS, ROLE_VARIABLES } from '../domain/plan/acting.ts';
import { PLAIN_WORDS } from '../domain/text/zod-messages.ts';
import { problemsOf } from '../domain/text/problems.ts';
import { waitingCaps } from '../domain/waiting/waiting.ts';
import type {
  AroundCalls,
  Clock,
  Documents,
  HandlerDependencies,
  Ids,
  Settings,
  TargetPorts,
  Telemetry,
} from '../ports/index.ts';
import { Callers, ownClients, type TargetClients } from './callers.ts';
import { stepEnvironment, type StepSchema } from './step.ts';

export interface PortsOptions {
  /** Stands around each of their calls. */
  around?: AroundCalls | undefined;
  /** ARNs of the service's own roles, as far as they have access entries. */
  ofService?: readonly string[];
  /** Whose credentials they are made from; the caller's own where it is left out. */
  others?: TargetClients;
}

/**
 * The ports of one target, made from the caller's own credentials: its account is the caller's, unless others are
 * given.
 */
export function portsOf(
  clients: ClientFactory,
  target: Target,
  { around, ofService = [], others }: PortsOptions = {},
): TargetPorts {
  const { transport } = clients.config;
  const there = others ?? ownClients(clients, target);
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
          `Cluster ${target.cluster} in ${target.region} has no API server endpoint.`,
        );
      // Without it Node would trust every public authority.
      if (!cluster.certificateAuthority)
        throw new MigrationError(
          'NotFound',
          `Cluster ${target.cluster} in ${target.region} has no certificate authority, by which its API server could be known.`,
        );
      return { url: cluster.endpoint, certificateAuthority: cluster.certificateAuthority };
    },
    // Signed at the caller's own time, as the SDK signs.
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
  /** Name of the step that is wired: it says by which roles other accounts are worked on. */
  step: string;
  environment: Record<string, string | undefined>;
  /** Of the deployment, as `deploymentSettingsOf` reads them; left out of functions that use none. */
  deployment?: DeploymentSettings | undefined;
  clock: Clock;
  ids: Ids;
  telemetry: Telemetry;
  /** Makes the bucket's port, by the name that `bucket` answers; left out of functions that have none. */
  documentsOf?: ((clients: ClientFactory, bucket: () => string) => Documents) | undefined;
}

const refuseDocuments = (): never => {
  throw new MigrationError('BadInput', 'This function has no bucket; deploy the service again.');
};
/** Of a function that has nothing to do with it. */
const noDocuments: Documents = { put: refuseDocuments, get: refuseDocuments, list: refuseDocuments };

/** A variable that only some steps are given; whoever lacks it is told when it needs it. */
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
 * The settings that ship with a step's function; undefined for a step that uses none. Throws BadInput where the step
 * uses them and its function was given no file, or a wrong one.
 */
export function deploymentSettingsOf(
  { environment: { shape } }: Pick<StepSchema, 'environment'>,
  environment: WireOptions['environment'],
): DeploymentSettings | undefined {
  return 'SETTINGS_FILE' in shape ? readSettingsFile(requireVariable(environment, 'SETTINGS_FILE')) : undefined;
}

/** Of the one step that is given them. */
function denialsIn(environment: WireOptions['environment'], accounts: readonly string[]): DenialSettings | undefined {
  const { ACCOUNT: account, DENIAL_ACTION: action, QUIET_HOURS: quietHours } = environment;
  if (action === undefined) return undefined;
  const parsed = denialSettings.safeParse({ account, accounts, action, quietHours: Number(quietHours) }, PLAIN_WORDS);
  if (parsed.success) return parsed.data;
  throw new MigrationError(
    'BadInput',
    `The settings of this function about denied calls are wrong: ${problemsOf(parsed.error, 'they')}. Deploy the service again.`,
  );
}

/** Of the steps that admit migrations among those that wait. */
function waitingIn(environment: WireOptions['environment']): Pick<Settings, 'waiting'> {
  const { MOST_WAITING_PER_PRINCIPAL: perPrincipal, MOST_WAITING: perDeployment } = environment;
  if (perPrincipal === undefined || perDeployment === undefined) return {};
  const parsed = waitingCaps.safeParse(
    { perPrincipal: Number(perPrincipal), perDeployment: Number(perDeployment) },
    PLAIN_WORDS,
  );
  if (parsed.success) return { waiting: parsed.data };
  throw new MigrationError(
    'BadInput',
    `The settings of this function about migrations that wait are wrong: ${problemsOf(parsed.error, 'they')}. Deploy the service again.`,
  );
}

/** Made once: a schema takes longer to make than to use. */
const approver = approverRule.catch('another-role');

const settingsIn = (
  environment: WireOptions['environment'],
  region: string,
  deployment: DeploymentSettings | undefined,
): Settings => ({
  approvals: {
    required: environment['APPROVAL_REQUIRED'] === 'true',
    approver: approver.parse(environment['APPROVER']),
    allowUnknownRequester: environment['ALLOW_UNKNOWN_REQUESTER'] === 'true',
  },
  changeWindow: deployment?.changeWindow,
  ...waitingIn(environment),
  ...(environment['ACCOUNT'] === undefined ? {} : { account: environment['ACCOUNT'] }),
  accounts: deployment?.accounts ?? [],
  regions: deployment && (deployment.regions ?? [region]),
  ...(environment['RETIRE_STATE_MACHINE_ARN'] ? { retires: true } : {}),
  bucket: environment['BUCKET_NAME'],
  denials: denialsIn(environment, deployment?.accounts ?? []),
  passableRoleArns: deployment?.passableRoleArns ?? [],
  repairableRoleArns: deployment?.repairableRoleArns ?? [],
  ...(deployment?.roleGrants ? { roleGrants: deployment.roleGrants } : {}),
  actingRoles: Object.fromEntries(
    ACTING_STEPS.flatMap((step) => {
      const arn = environment[ROLE_VARIABLES[step]];
      return arn ? [[step, arn]] : [];
    }),
  ),
  simulated: environment['SIMULATED'] === 'true',
});

/**
 * Everything a step needs, from clients and an environment: the same wiring in a Lambda and in the sandbox. It knows of
 * no end of the invocation: the handler does.
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
        others: callers.in(target),
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
