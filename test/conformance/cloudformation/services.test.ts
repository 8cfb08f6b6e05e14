/** What moto's services answer, in the form of what the sandbox deploys. */
import { expect, it } from 'vitest';
import type { MotoServices } from '../../../conformance/cloudformation/moto.ts';
import { motoFacts, sandboxFacts } from '../../../conformance/cloudformation/services.ts';

const document = { Version: '2012-10-17', Statement: [] };
const services: MotoServices = {
  roles: {
    'arn:aws:iam::1:role/step': {
      trustPolicy: document,
      inline: { own: document },
      managed: { 'arn:aws:iam::1:policy/large': document, 'arn:aws:iam::aws:policy/ReadOnlyAccess': null },
      boundary: 'arn:aws:iam::1:policy/boundary',
    },
  },
  functions: {},
  stateMachines: {},
  tables: {},
  rules: {
    'arn:aws:events:r:1:rule/often': {
      name: 'often',
      pattern: null,
      schedule: 'rate(5 minutes)',
      targets: [
        {
          Id: 'Target0',
          Arn: 'arn:f',
          InputTransformer: { InputPathsMap: { id: '$.id' }, InputTemplate: '{"id":<id>}' },
          DeadLetterConfig: { Arn: 'arn:q' },
          RetryPolicy: { MaximumRetryAttempts: 3 },
        },
      ],
    },
  },
  buckets: { reports: { versioning: 'Enabled', encryption: [] } },
  apis: {
    api: {
      methods: {
        'GET /plans/{id}': {
          authorization: 'AWS_IAM',
          uri: 'arn:aws:apigateway:r:lambda:path/2015-03-31/functions/arn:aws:lambda:r:1:function:api/invocations',
        },
      },
    },
  },
  queues: ['arn:q'],
  topics: [],
};

it('what the services answer has the form of what the sandbox deploys', () => {
  const deployed = sandboxFacts({
    roles: [
      {
        logicalId: 'Role',
        arn: 'arn:aws:iam::1:role/step',
        trustPolicy: document,
        policies: [
          { name: 'own', document },
          { name: 'large', document },
        ],
        managedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'],
        permissionsBoundary: { arn: 'arn:aws:iam::1:policy/boundary' },
      },
    ],
    rules: [
      {
        logicalId: 'Rule',
        name: 'often',
        arn: 'arn:aws:events:r:1:rule/often',
        everySeconds: 300,
        targets: [
          {
            id: 'Target0',
            arn: 'arn:f',
            deadLetterArn: 'arn:q',
            inputTransformer: { paths: { id: '$.id' }, template: '{"id":<id>}' },
          },
        ],
      },
    ],
    buckets: [{ logicalId: 'Bucket', name: 'reports', account: '1', region: 'r', isVersioned: true, statements: [] }],
    queues: [{ logicalId: 'Queue', name: 'q', arn: 'arn:q', policies: [] }],
    apis: [
      {
        logicalId: 'Api',
        id: 'a',
        partition: 'aws',
        region: 'r',
        account: '1',
        host: 'a.example',
        stages: [],
        methods: [
          {
            path: '/plans/{id}',
            resourceId: 'x',
            httpMethod: 'GET',
            authorization: 'AWS_IAM',
            functionArn: 'arn:aws:lambda:r:1:function:api',
            timeoutMilliseconds: 29_000,
          },
        ],
        binaryMediaTypes: [],
        responses: {},
      },
    ],
  });
  expect(motoFacts(services)).toEqual(deployed);
});
