/** The differences from moto that are accepted, each with its reason. */
import type { Reason } from '../reasons.ts';

export const REASONS: readonly Reason[] = [
  {
    where: /: hub$/,
    what: /^AWS::ApiGateway::Stage \w+\.DeploymentId$/,
    values: /^"(?:a Deployment of moto|<\w+>)"$/,
    reason: "moto's deployments of API Gateway have no value of Ref, so that the stage names none.",
  },
  {
    where: /: hub$/,
    what: /^output\.RunbookName$/,
    values: /^"(?:[\da-f-]{36}|<\w+>)"$/,
    reason: 'moto names a document of Systems Manager by a random id, CloudFormation by the stack and the logical id.',
  },
  {
    where: /: hub$/,
    what: /^buckets\.<\w+>\.isVersioned$/,
    reason: "moto's CloudFormation passes only a bucket's encryption and tags on to S3.",
  },
];
