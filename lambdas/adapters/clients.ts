import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EKSClient } from '@aws-sdk/client-eks';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import { SFNClient } from '@aws-sdk/client-sfn';
import { STSClient } from '@aws-sdk/client-sts';
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@smithy/types';
import type { EksTokenOptions } from './eks-token.ts';

/** A plain HTTPS request to an API server, for which there is no SDK. Body and response are text. */
export interface PlainHttpRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string;
  /** PEM of the certificate authority that signed the server's certificate. */
  certificateAuthority?: string;
}
export interface PlainHttpResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
  /** Content of the body, if the responder already has it as data. */
  content?: unknown;
}
export type PlainHttp = (request: PlainHttpRequest) => Promise<PlainHttpResponse>;

/** Settings that an SDK client would otherwise read from the environment and from ~/.aws. */
export interface SdkSettings {
  endpoint: string;
  retryMode: 'standard';
  defaultsMode: 'standard';
  useFipsEndpoint: false;
  useDualstackEndpoint: false;
  userAgentAppId: () => Promise<undefined>;
  authSchemePreference: () => Promise<string[]>;
}

/** How calls leave this process: by default through the network, otherwise directly to the sandbox's services. */
export interface Transport {
  /** A Smithy request handler for every SDK client. Default: the SDK's own, with time-outs. */
  requestHandler?: { handle(request: never, options?: never): Promise<{ response: never }> };
  /** Settings that must not depend on the machine, by service. If absent, the SDK determines them. */
  settingsFor?: (service: string, region: string) => SdkSettings;
  http: PlainHttp;
  /** Creates a client instead of the SDK's own, with the same commands. The sandbox's clients are faster. */
  clientFor?: <Client extends object>(Class: ClientClass<Client>, service: string, config: SharedConfig) => Client;
  /** Creates a bearer token instead of a presigned URL, for an API server that accepts it. */
  eksToken?: (options: EksTokenOptions) => Promise<string>;
}

export type ClientClass<Client> = new (config: SharedConfig) => Client;

/** Property of a replacement for DynamoDB's client that also accepts the commands of the document client. */
export const TAKES_DOCUMENTS = Symbol('takes documents');

export interface ClientConfig {
  region: string;
  /** The profile of the AWS configuration, for callers with such a configuration. */
  profile?: string;
  /** How often the SDK tries a call. Default: once. */
  attempts?: number;
  credentials?: AwsCredentialIdentity | AwsCredentialIdentityProvider;
  transport: Transport;
}

/**
 * Time-outs of the SDK's own request handler in milliseconds, because a call must not outlive its invocation. Without
 * `throwOnRequestTimeout` the SDK only logs a warning for a request that takes too long. The socket time-out is for a
 * response body that stalls.
 */
const TIME_OUTS = {
  connectionTimeout: 3000,
  requestTimeout: 10_000,
  throwOnRequestTimeout: true,
  socketTimeout: 10_000,
} as const;

export type SharedConfig = {
  region: string;
  maxAttempts: number;
  profile?: string;
  credentials?: ClientConfig['credentials'];
  requestHandler: typeof TIME_OUTS;
} & Partial<SdkSettings>;

/**
 * Creates all AWS clients. They do not retry (`maxAttempts: 1`) unless `attempts` is given, because the state machine
 * retries, where retries are visible and run in virtual time. Endpoints come from the SDK's own `AWS_ENDPOINT_URL_*` variables.
 */
export class ClientFactory {
  readonly config: ClientConfig;
  constructor(config: ClientConfig) {
    this.config = config;
  }

  private shared(service: string): SharedConfig {
    const { region, profile, attempts = 1, credentials, transport } = this.config;
    return {
      region,
      maxAttempts: attempts,
      ...(profile === undefined ? {} : { profile }),
      ...(credentials ? { credentials } : {}),
      ...transport.settingsFor?.(service, region),
      requestHandler: (transport.requestHandler as never) ?? TIME_OUTS,
    };
  }

  /** A client for each service, so that a warm Lambda keeps its connections. */
  private readonly made = new Map<string, unknown>();
  /**
   * Returns the client of a service. `make` is passed by the importing module, so that other bundles do not include it.
   */
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

  /** Closes the connections of all clients. */
  destroy(): void {
    for (const client of this.made.values()) (client as { destroy?: () => void }).destroy?.();
  }
}
