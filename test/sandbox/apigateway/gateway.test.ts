import type { APIGatewayProxyEvent } from 'aws-lambda';
import { describe, expect, test } from 'vitest';
import { issueAccessKey } from '../../../sandbox/authorization/access-keys.ts';
import { matching } from '../../lambdas/matchers.ts';
import { allow, deny } from '../support.ts';
import {
  ACCOUNT,
  FUNCTION_ROLE,
  mayAll,
  methodArn,
  openSession,
  operator,
  type SessionOptions,
  REGION,
  standard,
  standardApi,
} from './fixture.ts';

const MISSING_TOKEN = '{"message":"Missing Authentication Token"}';
const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/plan-function/sandbox`;
const nulls = (...names: string[]) => Object.fromEntries(names.map((name) => [name, null]));
const messageOf = ({ body }: { body: string }): unknown => (JSON.parse(body) as { message: unknown }).message;

describe('a call', () => {
  test('reaches the function through API Gateway, and both are in the log', async () => {
    const { call, calls, world, sandboxGateway, authorizer } = openSession();
    const headers = {
      'content-type': 'application/json',
      'x-amzn-requestid': matching(/^[0-9a-f-]{36}$/),
      'x-amz-apigw-id': expect.any(String) as string,
    };
    const answer = await call('POST', '/migrations/01J/cancel', { body: { reason: 'r' } });
    expect(answer).toMatchObject({ status: 200, headers });
    expect(calls()).toEqual([
      {
        n: 2,
        at: '2026-01-15T09:00:00.000Z',
        service: 'execute-api',
        operation: 'POST /migrations/{id}/cancel',
        mutating: true,
        caller: FUNCTION_ROLE,
        account: ACCOUNT,
        region: REGION,
        input: { stage: 'v1', path: '/migrations/01J/cancel' },
        status: 200,
      },
    ]);
    expect(world.log.calls[0]).toMatchObject({
      service: 'lambda',
      operation: 'Invoke',
      caller: 'apigateway.amazonaws.com',
      status: 200,
      input: { functionName: standard.functions[0]!.versionArns[0] },
    });
    expect([world.log.mutations(), sandboxGateway.failures]).toEqual([[], []]);
    const resource = methodArn('v1/POST/migrations/01J/cancel');
    expect(authorizer.uses()).toEqual([{ principalArn: FUNCTION_ROLE, action: 'execute-api:Invoke', resource }]);
  });

  test('that only reads is logged as such', async () => {
    const { call, calls } = openSession();
    await call('GET', '/migrations', { query: { limit: '5' } });
    await call('GET', '/migrations/01J');
    expect(calls().map(({ operation, mutating }) => [operation, mutating])).toEqual([
      ['GET /migrations', false],
      ['GET /migrations/{id}', false],
    ]);
  });

  test("returns the function's answer, even an error", async () => {
    const body = '{"title":"held"}';
    const headers = { 'Content-Type': 'application/problem+json', 'Retry-After': 5 };
    const { call, calls } = openSession({ handler: () => ({ statusCode: 409, headers, body }) });
    const answer = await call('POST', '/migrations', { body: {} });
    const received = { 'content-type': 'application/problem+json', 'retry-after': '5' };
    expect(answer).toMatchObject({ status: 409, headers: received, body });
    expect(answer.headers).not.toHaveProperty('x-amzn-errortype');
    expect(calls()).toMatchObject([{ status: 409, error: 'HTTP 409' }]);
  });

  test('has the same ids for the same seed, and new ids for each call', async () => {
    const ids = async (): Promise<string[]> => {
      const { call, events } = openSession();
      await call('GET', '/migrations');
      await call('GET', '/migrations');
      return events.map(({ requestContext }) => requestContext.requestId);
    };
    const [first, second] = [await ids(), await ids()];
    expect([first, new Set(first).size]).toEqual([second, 2]);
  });
});

describe('the event', () => {
  test('is that of a proxy integration', async () => {
    const { call, events, world, caller } = openSession();
    const body = JSON.stringify({ name: 'café' });
    await call('POST', '/migrations', {
      query: { limit: '10', tag: ['a', 'b c'], empty: '' },
      headers: { 'user-agent': 'test/1', 'idempotency-key': 'k' },
      body,
    });
    const [event] = events;
    const id = `${world.accounts.get(ACCOUNT)!.roles.get('plan-function')!.roleId}:sandbox`;
    expect(event).toEqual({
      resource: '/migrations',
      path: '/migrations',
      httpMethod: 'POST',
      headers: expect.objectContaining({
        host: standardApi.host,
        'content-type': 'application/json',
        'user-agent': 'test/1',
        'idempotency-key': 'k',
        'X-Forwarded-For': '127.0.0.1',
        'X-Forwarded-Proto': 'https',
        'X-Forwarded-Port': '443',
        'X-Amzn-Trace-Id': matching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/),
      }) as object,
      multiValueHeaders: Object.fromEntries(Object.entries(event!.headers).map(([name, value]) => [name, [value]])),
      queryStringParameters: { limit: '10', tag: 'b c', empty: '' },
      multiValueQueryStringParameters: { limit: ['10'], tag: ['a', 'b c'], empty: [''] },
      pathParameters: null,
      stageVariables: { colour: 'blue' },
      requestContext: {
        accountId: ACCOUNT,
        apiId: standardApi.id,
        deploymentId: standardApi.stages[0]!.deploymentId,
        domainName: standardApi.host,
        domainPrefix: standardApi.id,
        extendedRequestId: matching(/^[a-z0-9]{15}=$/),
        httpMethod: 'POST',
        identity: {
          ...nulls('apiKey', 'apiKeyId', 'clientCert', 'cognitoAuthenticationProvider', 'cognitoAuthenticationType'),
          ...nulls('cognitoIdentityId', 'cognitoIdentityPoolId', 'principalOrgId'),
          accessKey: caller.accessKeyId,
          accountId: ACCOUNT,
          caller: id,
          sourceIp: '127.0.0.1',
          user: id,
          userAgent: 'test/1',
          userArn: SESSION,
        },
        path: '/v1/migrations',
        protocol: 'HTTP/1.1',
        requestId: matching(/^[0-9a-f-]{36}$/),
        requestTime: '15/Jan/2026:09:00:00 +0000',
        requestTimeEpoch: world.schedule.now(),
        resourceId: standardApi.methods.find(({ path }) => path === '/migrations')!.resourceId,
        resourcePath: '/migrations',
        stage: 'v1',
      },
      body,
      isBase64Encoded: false,
    } satisfies Record<keyof APIGatewayProxyEvent, unknown>);
    expect(event!.requestContext).not.toHaveProperty('authorizer');
  });

  test('has null for what is absent', async () => {
    const stages = [{ ...standardApi.stages[0]!, variables: {} }];
    const { call, events } = openSession({ apis: [{ ...standardApi, stages }] });
    await call('GET', '/migrations');
    expect(events).toMatchObject([
      nulls('queryStringParameters', 'multiValueQueryStringParameters', 'pathParameters', 'stageVariables', 'body'),
    ]);
  });

  test.each<[NonNullable<NonNullable<SessionOptions['knobs']>['apiPathParameters']>, string, string]>([
    ['encoded', 'kube-system%2Fan%20app', 'a%2Fb/c%20d'],
    ['decoded', 'kube-system/an app', 'a/b/c d'],
  ])('has path parameters that are %s, and the path as sent', async (apiPathParameters, id, path) => {
    const { call, events } = openSession({ knobs: { apiPathParameters } });
    await call('GET', '/migrations/kube-system%2Fan%20app');
    await call('DELETE', '/files/a%2Fb/c%20d');
    expect(events).toMatchObject([
      { resource: '/migrations/{id}', path: '/migrations/kube-system%2Fan%20app', pathParameters: { id } },
      { resource: '/files/{path+}', path: '/files/a%2Fb/c%20d', httpMethod: 'DELETE', pathParameters: { path } },
    ]);
  });

  test('has no identity if the method requires no signature, even if there is one', async () => {
    const { call, plain, events, calls, client, caller } = openSession();
    await plain({ path: '/v1/health' });
    await call('GET', '/health', {}, client({ credentials: { ...caller, secretAccessKey: 'guess' } }));
    const nobody = { ...nulls('caller', 'userArn', 'accountId'), sourceIp: '127.0.0.1' };
    for (const { requestContext } of events) expect(requestContext.identity).toMatchObject(nobody);
    const logged = { operation: 'GET /health', caller: '', status: 200 };
    expect(calls()).toMatchObject([logged, logged]);
  });
});

describe('a permission', () => {
  test.each<[string, object[]]>([
    ['is missing', [allow('dynamodb:GetItem')]],
    ['is for another method', [allow('execute-api:Invoke', methodArn('v1/GET/migrations/*'))]],
    ['is for another path', [allow('execute-api:Invoke', methodArn('v1/POST/migrations'))]],
    ['is for another stage', [allow('execute-api:Invoke', methodArn('v2/*'))]],
  ])('that %s is refused, with the action in the log', async (_, statements) => {
    const { call, calls, events, authorizer } = openSession({ statements });
    const answer = await call('POST', '/migrations/01J/cancel');
    expect(answer).toMatchObject({ status: 403, headers: { 'x-amzn-errortype': 'AccessDeniedException' } });
    expect(messageOf(answer)).toBe(
      `User: ${SESSION} is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:eu-west-1:********3333:${standardApi.id}/v1/POST/migrations/01J/cancel because no identity-based policy allows the execute-api:Invoke action`,
    );
    expect(events).toEqual([]);
    const refused = { status: 403, error: 'AccessDeniedException', denied: 'execute-api:Invoke' };
    expect(calls()).toMatchObject([{ operation: 'POST /migrations/{id}/cancel', caller: FUNCTION_ROLE, ...refused }]);
    expect(authorizer.denials).toMatchObject([{ resource: methodArn('v1/POST/migrations/01J/cancel') }]);
  });

  test('may be for a single route, and a Deny wins', async () => {
    const { call } = openSession({ statements: [mayAll, deny('execute-api:Invoke', methodArn('*/POST/*'))] });
    expect((await call('GET', '/migrations')).status).toBe(200);
    const answer = await call('POST', '/migrations');
    expect(answer.status).toBe(403);
    expect(messageOf(answer)).toContain('with an explicit deny in an identity-based policy');
  });
});

describe('a signature', () => {
  test('that is missing is reported, without revealing what exists', async () => {
    const { plain, events, calls } = openSession();
    const headers = { 'content-type': 'application/json', 'x-amzn-errortype': 'MissingAuthenticationTokenException' };
    for (const path of ['/v1/migrations', '/v1/nothing', '/v1/'])
      expect(await plain({ path })).toMatchObject({ status: 403, headers, body: MISSING_TOKEN });
    expect(events).toEqual([]);
    expect(calls().map(({ operation, caller, error }) => [operation, caller, error])).toEqual([
      ['GET /migrations', '', 'MissingAuthenticationTokenException'],
      ['GET /nothing', '', 'MissingAuthenticationTokenException'],
      ['GET /', '', 'MissingAuthenticationTokenException'],
    ]);
  });

  test('does not help if the path or method does not exist', async () => {
    const { call } = openSession();
    for (const asked of ['GET /nothing', 'DELETE /migrations', 'GET ']) {
      const [method = '', path = ''] = asked.split(' ');
      expect(await call(method, path)).toMatchObject({ status: 403, body: MISSING_TOKEN });
    }
  });

  const errorOf = (name: string) => ({ headers: { 'x-amzn-errortype': name } });
  type Location = ReturnType<typeof openSession>;
  const invalid = 'InvalidSignatureException';
  const guessing = ({ caller }: Location) => ({ credentials: { ...caller, secretAccessKey: 'guess' } });
  const unknownKey = () => ({ credentials: { accessKeyId: 'AKIANOBODY', secretAccessKey: 'guess' } });
  const expired = ({ world }: Location) => ({
    credentials: issueAccessKey(world, FUNCTION_ROLE, { expiresAt: Date.now() - 1000 }),
  });
  const tenMinutesAgo = () => ({ now: () => new Date(Date.now() - 600_000) });
  const elsewhere = () => ({ region: 'us-east-1' });
  const MISMATCH = 'The request signature we calculated does not match the signature you provided.';
  const BAD_TOKEN = 'The security token included in the request is';
  test.each<[string, (location: Location) => object, string, string]>([
    ['with another secret', guessing, invalid, MISMATCH],
    ['with an unknown key', unknownKey, 'UnrecognizedClientException', `${BAD_TOKEN} invalid.`],
    ['of an expired session', expired, 'ExpiredTokenException', `${BAD_TOKEN} expired`],
    ['from ten minutes ago', tenMinutesAgo, invalid, 'Signature expired: '],
    ['for another region', elsewhere, invalid, "Credential should be scoped to a valid region, not 'us-east-1'."],
  ])('%s is rejected', async (_, more, name, message) => {
    const location = openSession();
    const answer = await location.call('GET', '/migrations', {}, location.client(more(location)));
    expect(answer).toMatchObject({ status: 403, ...errorOf(name) });
    expect(messageOf(answer)).toContain(message);
    expect([location.events, location.calls()]).toMatchObject([[], [{ status: 403, error: name }]]);
  });

  test('with missing parts is rejected', async () => {
    const { plain } = openSession();
    for (const [authorization, name] of [
      ['AWS4-HMAC-SHA256 Credential=A/20260115/eu-west-1/execute-api/aws4_request', 'IncompleteSignatureException'],
      ['Bearer token', 'MissingAuthenticationTokenException'],
    ] as const)
      expect(await plain({ headers: { authorization } })).toMatchObject({ status: 403, ...errorOf(name) });
  });

  test('covers the body and the query', async () => {
    const { sandboxGateway, caller, client, clock } = openSession();
    let sent: Parameters<typeof sandboxGateway.handle>[0] | undefined;
    const { request } = client({
      credentials: caller,
      http: async ({ method, url, headers, body = '' }) => {
        const { host, pathname, searchParams } = new URL(url);
        const query = Object.fromEntries(searchParams);
        sent = { method, host, path: pathname, query, headers, body: Buffer.from(body) };
        return { status: 0, headers: {}, body: '' };
      },
    });
    await request('POST', '/migrations', { query: { dryRun: 'true' }, body: { a: 1 } });
    const send = (change: object) => clock.spawn(() => sandboxGateway.handle({ ...sent!, ...change }));
    expect([(await send({})).status, (await send({ body: Buffer.from('{"a":2}') })).status]).toEqual([200, 403]);
    expect((await send({ query: { dryRun: 'false' } })).status).toBe(403);
    expect((await send({ path: '/v1/migrations/01J/cancel' })).status).toBe(403);
  });
});

test('a body of more than 10 MB does not reach the API, and one too long for Lambda does not reach the function', async () => {
  const { call, events } = openSession();
  expect(await call('POST', '/migrations', { body: 'x'.repeat(10_485_761) })).toMatchObject({
    status: 413,
    headers: { 'content-type': 'text; charset=utf-8' },
    body: 'HTTP content length exceeded 10485760 bytes.',
  });
  expect(await call('POST', '/migrations', { body: 'x'.repeat(6_300_000) })).toMatchObject({
    status: 413,
    headers: { 'x-amzn-errortype': 'BadRequestException' },
    body: '{"message":"Request Too Long"}',
  });
  expect(events).toEqual([]);
});

test('the operator may do everything', async () => {
  const location = openSession({ statements: [allow('dynamodb:GetItem')] });
  const client = location.client({ credentials: operator(location.world) });
  expect((await location.call('POST', '/migrations', {}, client)).status).toBe(200);
  expect(location.events[0]!.requestContext.identity.userArn).toBe(
    `arn:aws:sts::${ACCOUNT}:assumed-role/operator/sandbox`,
  );
});
