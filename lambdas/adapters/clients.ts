import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EKSClient } from '@aws-sdk/client-eks';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import { SFNClient } from '@aws-sdk/client-sfn';
import { STSClient } from '@aws-sdk/client-sts';
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@smithy/types';
import type { EksTokenOptions } from './eks-token.ts';

/** One plain HTTPS exchange, for the API server that no SDK speaks to. Body and answer are text. */
export interface PlainHttpRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string;
  /** PEM of the authority that signed the server's certificate. */
  certificateAuthority?: string;
}
export interface PlainHttpResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
  /** What the body says, where whoever answers has it as data already. */
  content?: unknown;
}
export type PlainHttp = (request: PlainHttpRequest) => Promise<PlainHttpResponse>;

/** What an SDK client would otherwise look up in the environment and in ~/.aws. */
export interface SdkSettings {
  endpoint: string;
  retryMode: 'standard';
  defaultsMode: 'standard';
  useFipsEndpoint: false;
  useDualstackEndpoint: false;
  userAgentAppId: () => Promise<undefined>;
  authSchemePreference: () => Promise<string[]>;
}

/** How calls leave this process: the network by default, straight into the sandbox's services otherwise. */
export interface Transport {
  /** A Smithy request handler for every SDK client; the SDK's own, with time-outs, when absent. */
  requestHandler?: { handle(request: never, options?: never): Promise<{ response: never }> };
  /** Settings that must not depend on the machine, by service; the SDK's own way of finding them when absent. */
  settingsFor?: (service: string, region: string) => SdkSettings;
  http: PlainHttp;
  /** Makes a client in place of the SDK's own, which takes the same commands: the sandbox's are quicker. */
  clientFor?: <Client extends object>(Class: ClientClass<Client>, service: string, config: SharedConfig) => Client;
  /** Makes a bearer token in place of a presigned URL, for an API server that takes it. */
  eksToken?: (options: EksTokenOptions) => Promise<string>;
}

export type ClientClass<Client> = new (config: SharedConfig) => Client;

/** Has a client that was made in place of DynamoDB's own, where it takes the commands of the document client too. */
export const TAKES_DOCUMENTS = Symbol('takes documents');

export interface ClientConfig {
  region: string;
  credentials?: AwsCredentialIdentity | AwsCredentialIdentityProvider;
  transport: Transport;
}

/**
 * Of the SDK's own request handler, milliseconds: a call must not outlive the invocation that makes it. Without
 * `throwOnRequestTimeout` the SDK only warns of a request that takes too long. The socket's bound is for a body that
 * stops coming.
 */
const TIME_OUTS = {
  connectionTimeout: 3000,
  requestTimeout: 10_000,
  throwOnRequestTimeout: true,
  socketTimeout: 10_000,
} as const;

export type SharedConfig = {
  region: string;
  maxAttempts: 1;
  credentials?: ClientConfig['credentials'];
  requestHandler: typeof TIME_OUTS;
} & Partial<SdkSettings>;

/**
 * The one place where AWS clients are made. `maxAttempts: 1`: retries live in the state machine, where they can be
 * seen and run in virtual time. Endpoints come from the SDK's own `AWS_ENDPOINT_URL_*` variables.
 */
export class ClientFactory {
  readonly config: ClientConfig;
  constructor(config: ClientConfig) {
    this.config = config;
  }

  private shared(service: string): SharedConfig {
    const { region, credentials, transport } = this.config;
    return {
      region,
      maxAttempts: 1,
      ...(credentials ? { credentials } : {}),
      ...transport.settingsFor?.(service, region),
      requestHandler: (transport.requestHandler as never) ?? TIME_OUTS,
    };
  }

  /** One client for each service: a warm Lambda keeps its connections. */
  private readonly made = new Map<string, unknown>();
  /** A client that few functions need is made where it is imported, so that the others' bundles are without it. */
  one<Client>(service: string, make: (config: SharedConfig) => Client): Client {
    const client = (this.made.get(service) as Client | undefined) ?? make(this.shared(service));
    this.made.set(service, client);
    return client;
  }

  private clientOf<Client extends object>(service: string, Class: ClientClass<Client>): Client {
    return this.one(
      service,
      (config) => this.config.transport.clientFor?.(Class, service, config) ?? new Class(config),
    );
  }

  eks = (): EKSClient => this.clientOf('eks', EKSClient);
  iam = (): IAMClient => this.clientOf('iam', IAMClient);
  dynamodb = (): DynamoDBClient => this.clientOf('dynamodb', DynamoDBClient);
  stepFunctions = (): SFNClient => this.clientOf('states', SFNClient);
  sts = (): STSClient => this.clientOf('sts', STSClient);
  eventBridge = (): EventBridgeClient => this.clientOf('events', EventBridgeClient);
}
