import { describe, expect, test } from 'vitest';
import { createRouter } from '../../../sandbox/apigateway/routes.ts';
import type { AssemblyMethod } from '../../../sandbox/assembly/apis.ts';

const method = (text: string): AssemblyMethod => {
  const [httpMethod = '', path = ''] = text.split(' ');
  return { httpMethod, path, resourceId: path, authorization: 'NONE', functionArn: 'f', timeoutMilliseconds: 29_000 };
};
const routed = (methods: string[], path: string, httpMethod = 'GET'): unknown => {
  const match = createRouter(methods.map(method))(path, httpMethod);
  return match && [`${match.method.httpMethod} ${match.method.path}`, match.parameters];
};

const API = [
  'ANY /{proxy+}',
  'GET /a/{x}',
  'GET /a/{rest+}',
  'GET /a/b',
  'GET /a/{x}/c',
  'POST /a/b/d',
  'GET /',
  'ANY /any',
  'GET /any',
];

describe('a path', () => {
  test.each<[string, string, Record<string, string>]>([
    ['/', 'GET /', {}],
    ['', 'GET /', {}],
    ['/a/b', 'GET /a/b', {}],
    ['/a/b/', 'GET /a/b', {}],
    ['/a/%62', 'GET /a/b', {}],
    ['/a/B', 'GET /a/{x}', { x: 'B' }],
    ['/a/two%20words', 'GET /a/{x}', { x: 'two%20words' }],
    ['/a/one%2Ftwo', 'GET /a/{x}', { x: 'one%2Ftwo' }],
    ['/a/%ZZ', 'GET /a/{x}', { x: '%ZZ' }],
    ['/a/b/c', 'GET /a/{x}/c', { x: 'b' }],
    ['/a/b/e/f', 'GET /a/{rest+}', { rest: 'b/e/f' }],
    ['/x/y/z', 'ANY /{proxy+}', { proxy: 'x/y/z' }],
    ['/a', 'ANY /{proxy+}', { proxy: 'a' }],
    ['/any', 'GET /any', {}],
  ])('%s matches %s', (path, expected, parameters) => expect(routed(API, path)).toEqual([expected, parameters]));

  test('matches the most literal resource, in any order of the resources', () => {
    for (const order of [API, API.toReversed()]) expect(routed(order, '/a/b')).toEqual(['GET /a/b', {}]);
  });

  test('of a resource without that method falls through to ANY, a parameter or the proxy resource', () => {
    expect(routed(API, '/any', 'DELETE')).toEqual(['ANY /any', {}]);
    expect(routed(API, '/a/b', 'DELETE')).toEqual(['ANY /{proxy+}', { proxy: 'a/b' }]);
    expect(routed(API, '/a/b/d')).toEqual(['GET /a/{rest+}', { rest: 'b/d' }]);
    expect(routed(['POST /a/b', 'GET /a/{x}'], '/a/b')).toEqual(['GET /a/{x}', { x: 'b' }]);
    expect(routed(['POST /a/b', 'PUT /a/{x}'], '/a/b')).toBeUndefined();
  });

  test('matches ANY only with the methods of REST APIs', () => {
    for (const verb of ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'])
      expect(routed(['ANY /{proxy+}'], '/x', verb)).toEqual(['ANY /{proxy+}', { proxy: 'x' }]);
    for (const verb of ['TRACE', 'CONNECT', 'QUERY', 'get', ''])
      expect(routed(['ANY /{proxy+}'], '/x', verb)).toBeUndefined();
  });

  test('without a matching resource has no result', () => {
    expect(routed(['GET /a', 'GET /b/{x}', 'GET /c/{x+}'], '/a/b')).toBeUndefined();
    expect(routed(['GET /a', 'GET /b/{x}', 'GET /c/{x+}'], '/b')).toBeUndefined();
    expect(routed(['GET /a', 'GET /b/{x}', 'GET /c/{x+}'], '/b//')).toBeUndefined();
    expect(routed(['GET /a', 'GET /b/{x}', 'GET /c/{x+}'], '/c')).toBeUndefined();
    expect(routed(['GET /a'], '/')).toBeUndefined();
    expect(routed(['GET /a'], '//a')).toBeUndefined();
  });
});
