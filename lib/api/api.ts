import { CfnOutput, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { type Operation, OPERATIONS } from '../../lambdas/api/operations.ts';
import { addGatewayResponses } from './gateway-responses.ts';

/** In every URL, so that another version can stand beside it. */
export const STAGE = 'v1';

/**
 * Requests a second, on average and at once, of all callers together: many times what people and pipelines need, and
 * few enough that nothing behind it is overrun.
 */
const [RATE, BURST] = [20, 40];

/** Who asked for what, and what came of it: neither what was sent nor what was answered. */
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
  /** The customer's, for the access log; AWS's own otherwise. */
  key?: kms.IKey;
}

/**
 * The HTTP API: a REST API whose methods are those of `OPERATIONS`, and a proxy resource for all other paths and
 * methods (ADR 55), each authorised by IAM, and answered by one Lambda.
 * Its access log needs the account's setting for API Gateway's logs, which is one for all APIs of the account and
 * region, and so is none of this stack's business: see docs/api.md.
 */
export class Api extends Construct {
  readonly restApi: apigateway.RestApi;
  readonly output: CfnOutput;

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
      restApiName: Stack.of(this).stackName,
      description: 'Moves EKS add-ons from IRSA to EKS Pod Identity: docs/api.md.',
      endpointConfiguration: { types: [apigateway.EndpointType.REGIONAL] },
      disableExecuteApiEndpoint: false,
      cloudWatchRole: false,
      // Bytes, so that the Lambda sees what is not UTF-8: of a text API Gateway would have made U+FFFD.
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
        // It would log bodies and headers.
        loggingLevel: apigateway.MethodLoggingLevel.OFF,
        dataTraceEnabled: false,
        tracingEnabled: true,
        throttlingRateLimit: RATE,
        throttlingBurstLimit: BURST,
      },
    });
    this.restApi = restApi;
    const integration = new apigateway.LambdaIntegration(handler, { proxy: true, allowTestInvoke: false });
    const documented = Object.values<Operation>(OPERATIONS).map(({ method, path }) =>
      restApi.root.resourceForPath(path).addMethod(method, integration),
    );
    // Whatever no operation takes: the Lambda says what there is, where API Gateway would ask for a signature.
    const others = [
      restApi.root.addMethod('ANY', integration),
      restApi.root.addProxy({ anyMethod: false }).addMethod('ANY', integration),
    ];
    for (const made of [...documented, ...others]) {
      Validations.of(made).acknowledge({
        id: 'AwsSolutions-COG4',
        reason:
          'It is authorised by IAM: its callers are roles of pipelines, portals and operators, and not users of a pool.',
      });
    }
    addGatewayResponses(this, restApi);
    // A deployment is a copy of the methods: without this it would go on calling the version that it was made with.
    restApi.latestDeployment?.addToLogicalId({ handler: handler.functionArn });
    this.output = new CfnOutput(scope, 'ApiUrl', {
      value: restApi.url,
      description: 'The HTTP API, authorised by IAM (docs/api.md).',
    });
    this.acknowledge(accessLog);
  }

  private acknowledge(accessLog: boolean): void {
    Validations.of(this.restApi.node.defaultChild ?? this.restApi).acknowledge({
      id: 'AwsSolutions-APIG2',
      reason:
        "The Lambda checks every part of a request by the schemas that docs/openapi.json is made of, and says of each field what is wrong with it, which API Gateway's own validation would not.",
    });
    if (!accessLog) {
      const reason =
        'It wants a role that is set for all APIs of the account and region, without which the whole deployment would fail: the setting deploy.apiAccessLog switches it on. The Lambda logs who asked for what.';
      Validations.of(this.restApi.deploymentStage).acknowledge(
        { id: 'AwsSolutions-APIG1', reason },
        { id: 'Serverless-APIGWAccessLogging', reason },
      );
    }
    Validations.of(this.restApi.deploymentStage).acknowledge(
      {
        id: 'AwsSolutions-APIG3',
        reason:
          'Every method is authorised by IAM: a request that is not signed by a principal of the account is refused before anything looks at it, and there is nothing for anonymous callers that a firewall would have to guard.',
      },
      {
        id: 'AwsSolutions-APIG6',
        reason:
          'The access log says who asked for what and what came of it; an execution log would keep headers and bodies, which may hold configuration, and needs a role for all APIs of the account.',
      },
    );
  }
}
