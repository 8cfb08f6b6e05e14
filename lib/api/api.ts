import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { type Operation, OPERATIONS } from '../../lambdas/api/operations.ts';
import { hubName } from '../names.ts';
import { addGatewayResponses } from './gateway-responses.ts';

/** Part of every URL, so that another version can exist in parallel. */
export const STAGE = 'v1';

/**
 * Requests per second on average, and in a burst, over all callers: many times what people and pipelines need, and few
 * enough not to overload what the API calls.
 */
const [RATE, BURST] = [20, 40];

/** Fields of the access log: the caller, the method and path, and the result, but no bodies. */
const LOGGED = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  caller: '$context.identity.userArn',
  sourceIp: '$context.identity.sourceIp',
  method: '$context.httpMethod',
  path: '$context.path',
  status: '$context.status',
  error: '$context.error.responseType',
  latency: '$context.responseLatency',
};

export interface ApiProps {
  /** The published version of the Lambda `api`. */
  handler: lambda.IVersion;
  /** Whether there is an access log. */
  accessLog: boolean;
  /** The customer's key for the access log. Default: a key that AWS owns. */
  key?: kms.IKey;
}

/**
 * The HTTP API: a REST API with the methods of `OPERATIONS`, and a proxy resource for all other paths and methods (ADR
 * 55). IAM authorizes each method, and a single Lambda answers all of them. The access log needs API Gateway's
 * account-level CloudWatch role. It applies to all APIs of the location, so this stack does not set it: see
 * docs/api.md.
 */
export class Api extends Construct {
  readonly restApi: apigateway.RestApi;

  constructor(scope: Construct, id: string, { handler, accessLog, key }: ApiProps) {
    super(scope, id);
    const logGroup = accessLog
      ? new logs.LogGroup(this, 'AccessLogs', {
          retention: logs.RetentionDays.SIX_MONTHS,
          ...(key ? { encryptionKey: key } : {}),
          removalPolicy: RemovalPolicy.DESTROY,
        })
      : undefined;
    const restApi = new apigateway.RestApi(this, 'RestApi', {
      restApiName: hubName(scope),
      description: 'Moves EKS add-ons from IRSA to EKS Pod Identity: docs/api.md.',
      endpointConfiguration: { types: [apigateway.EndpointType.REGIONAL] },
      disableExecuteApiEndpoint: false,
      cloudWatchRole: false,
      // As bytes: the Lambda detects invalid UTF-8, which API Gateway would replace by U+FFFD.
      binaryMediaTypes: ['*/*'],
      defaultMethodOptions: { authorizationType: apigateway.AuthorizationType.IAM },
      deployOptions: {
        stageName: STAGE,
        ...(logGroup
          ? {
              accessLogDestination: new apigateway.LogGroupLogDestination(logGroup),
              accessLogFormat: apigateway.AccessLogFormat.custom(JSON.stringify(LOGGED)),
            }
          : {}),
        // Execution logs would contain bodies and headers.
        loggingLevel: apigateway.MethodLoggingLevel.OFF,
        dataTraceEnabled: false,
        tracingEnabled: true,
        throttlingRateLimit: RATE,
        throttlingBurstLimit: BURST,
      },
    });
    this.restApi = restApi;
    // The CDK's own output of the URL: the hub creates one only on request.
    restApi.node.tryRemoveChild('Endpoint');
    const integration = new apigateway.LambdaIntegration(handler, { proxy: true, allowTestInvoke: false });
    const documented = Object.values<Operation>(OPERATIONS).map(({ method, path }) =>
      restApi.root.resourceForPath(path).addMethod(method, integration),
    );
    // Requests that match no operation: the Lambda lists what exists, where API Gateway would only ask for a signature.
    const others = [
      restApi.root.addMethod('ANY', integration),
      restApi.root.addProxy({ anyMethod: false }).addMethod('ANY', integration),
    ];
    for (const made of [...documented, ...others]) {
      Validations.of(made).acknowledge({
        id: 'AwsSolutions-COG4',
        reason:
          'IAM authorizes the method: its callers are roles of pipelines, portals and operators, not users of a Cognito user pool.',
      });
    }
    addGatewayResponses(this, restApi);
    // A deployment is a copy of the methods: without this, it would keep calling the Lambda version of its creation.
    restApi.latestDeployment?.addToLogicalId({ handler: handler.functionArn });
    this.acknowledge(accessLog);
  }

  private acknowledge(accessLog: boolean): void {
    Validations.of(this.restApi.node.defaultChild ?? this.restApi).acknowledge({
      id: 'AwsSolutions-APIG2',
      reason:
        "The Lambda validates every part of a request with the schemas that docs/openapi.json is generated from, and reports an error for each invalid field, which API Gateway's own validation would not.",
    });
    if (!accessLog) {
      const reason =
        'Access logging needs a role that is set for all APIs of the account and region; without it the whole deployment would fail. The setting deploy.apiAccessLog enables the log. The Lambda logs the caller of each request.';
      Validations.of(this.restApi.deploymentStage).acknowledge(
        { id: 'AwsSolutions-APIG1', reason },
        { id: 'Serverless-APIGWAccessLogging', reason },
      );
    }
    Validations.of(this.restApi.deploymentStage).acknowledge(
      {
        id: 'AwsSolutions-APIG3',
        reason:
          'IAM authorizes every method: a request that is not signed by a principal of the account is refused before it is processed, so there is no anonymous access for a firewall to protect.',
      },
      {
        id: 'AwsSolutions-APIG6',
        reason:
          'The access log has the caller, the method and path, and the result. An execution log would store headers and bodies, which may contain configuration, and needs a role for all APIs of the account.',
      },
    );
  }
}
