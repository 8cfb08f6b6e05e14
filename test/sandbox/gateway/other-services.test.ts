/** Refusals of services that the sandbox does not simulate, in the protocol of each. */
import { expect, it } from 'vitest';
import { newWorld, openGateway, operator, REGION } from '../support.ts';

interface Asked {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
}

const ask = async (service: string, { method = 'POST', path = '/', headers = {}, body = '' }: Asked) => {
  const world = newWorld();
  const response = await openGateway(world).handle(
    { method, host: '127.0.0.1:4566', path, query: {}, headers, body: Buffer.from(body) },
    { ...operator(world), service, region: REGION },
  );
  const text = typeof response.body === 'string' ? response.body : Buffer.from(response.body).toString('utf8');
  return { ...response, text, call: world.log.calls[0]! };
};

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const OTHERS = 'Supported services: iam, sts.';

it.each([
  [
    'ec2',
    { headers: FORM, body: 'Action=DescribeInstances' },
    'ec2:DescribeInstances',
    /^<\?xml[^]*<Response><Errors><Error><Code>NotImplemented<\/Code>/,
  ],
  [
    'rds',
    { headers: FORM, body: 'Action=DescribeDBInstances' },
    'rds:DescribeDBInstances',
    /^<ErrorResponse[^]*<Code>NotImplemented<\/Code>/,
  ],
  [
    'logs',
    { headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'Logs.DescribeLogGroups' } },
    'logs:DescribeLogGroups',
    /^\{"__type":"com\.amazon\.coral\.service#NotImplemented"/,
  ],
  [
    'sqs',
    { headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.ListQueues' } },
    'sqs:ListQueues',
    /^\{"__type":"/,
  ],
  [
    'route53',
    { method: 'GET', path: '/2013-04-01/hostedzone' },
    'route53 (GET /2013-04-01/hostedzone)',
    /<ErrorResponse><Error><Type>Sender<\/Type><Code>NotImplemented/,
  ],
  ['lambda', { method: 'GET', path: '/2015-03-31/functions' }, 'lambda (GET /2015-03-31/functions)', /^\{"message":"/],
] as const)('refuses %s in its own protocol', async (service, request, called, body) => {
  const { status, text, headers, call } = await ask(service, request);
  expect(status).toBe(501);
  expect(text).toMatch(body);
  expect(text).toContain(`The sandbox does not support ${called}. ${OTHERS}`);
  expect(headers['x-amzn-errortype']).toBe(service === 'lambda' ? 'NotImplemented' : undefined);
  expect(call).toMatchObject({
    service,
    status: 501,
    error: 'NotImplemented',
    caller: expect.stringContaining('role/operator'),
  });
});

it('refuses RPC v2 in CBOR', async () => {
  const { status, headers, text, call } = await ask('monitoring', {
    path: '/service/GraniteServiceVersion20100801/operation/ListMetrics',
    headers: { 'smithy-protocol': 'rpc-v2-cbor', 'content-type': 'application/cbor' },
  });
  expect([status, headers['smithy-protocol'], call.operation]).toEqual([501, 'rpc-v2-cbor', 'ListMetrics']);
  expect(text).toContain(`The sandbox does not support monitoring:ListMetrics. ${OTHERS}`);
});
