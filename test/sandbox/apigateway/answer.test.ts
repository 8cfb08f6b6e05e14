import { describe, expect, test } from 'vitest';
import { answerOf } from '../../../sandbox/apigateway/answer.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

describe("a function's answer", () => {
  test.each<[string, unknown, ReturnType<typeof answerOf>]>([
    [
      'is taken whole',
      {
        statusCode: 201,
        headers: { 'Content-Type': 'text/plain', 'X-N': 3, 'X-Is': true },
        body: 'b',
        isBase64Encoded: false,
      },
      { status: 201, headers: { 'content-type': 'text/plain', 'x-n': '3', 'x-is': 'true' }, body: 'b' },
    ],
    ['may leave everything out', {}, { status: 200, headers: JSON_TYPE, body: '' }],
    ['may have a status as text', { statusCode: '404' }, { status: 404, headers: JSON_TYPE, body: '' }],
    [
      'may have nothing for what it leaves out',
      { statusCode: 204, headers: null, multiValueHeaders: null, body: null },
      { status: 204, headers: JSON_TYPE, body: '' },
    ],
    [
      'may have several values of a header, which win',
      { headers: { 'x-a': '0' }, multiValueHeaders: { 'X-A': ['1', 2], 'X-B': 'one' } },
      { status: 200, headers: { ...JSON_TYPE, 'x-a': '1, 2', 'x-b': 'one' }, body: '' },
    ],
    [
      'is not asked about its connection',
      { headers: { Connection: 'close', 'Content-Length': '9', 'WWW-Authenticate': 'Basic' } },
      {
        status: 200,
        headers: {
          ...JSON_TYPE,
          'x-amzn-remapped-connection': 'close',
          'x-amzn-remapped-content-length': '9',
          'x-amzn-remapped-www-authenticate': 'Basic',
        },
        body: '',
      },
    ],
    ['stays in base64', { body: 'aGk=', isBase64Encoded: true }, { status: 200, headers: JSON_TYPE, body: 'aGk=' }],
  ])('%s', (_, result, expected) => {
    expect(answerOf(result)).toEqual(expected);
  });

  test.each<[string, unknown]>([
    ['nothing', null],
    ['text', 'hello'],
    ['a list', []],
    ['another field', { statusCode: 200, cookies: [] }],
    ['an error of Lambda', { errorType: 'Error', errorMessage: 'no' }],
    ['a body that is no text', { body: { hey: 'dude' } }],
    ['a status that is none', { statusCode: 'OK' }],
    ['a status that is broken', { statusCode: 200.5 }],
    ['a status out of range', { statusCode: 700 }],
    ['a status of another type', { statusCode: true }],
    ['headers that are text', { headers: 'x: y' }],
    ['headers of objects', { headers: { x: {} } }],
    ['headers that are nothing', { headers: { x: null } }],
    ['a header on two lines', { headers: { x: 'a\r\ny: b' } }],
    ['a header whose name is none', { headers: { 'x y': 'a' } }],
    ['lists that are text', { multiValueHeaders: 'x' }],
    ['an encoding that is text', { isBase64Encoded: 'yes' }],
  ])('is malformed with %s', (_, result) => {
    expect(answerOf(result)).toBeUndefined();
  });
});
