import { describe, expect, test } from 'vitest';
import { answerOf } from '../../../sandbox/apigateway/answer.ts';

const REMAPPED = {
  'x-amzn-remapped-connection': 'close',
  'x-amzn-remapped-content-length': '9',
  'x-amzn-remapped-www-authenticate': 'Basic',
};
const JSON_TYPE = { 'content-type': 'application/json' };

describe("a function's answer", () => {
  test.each<[string, unknown, ReturnType<typeof answerOf>]>([
    [
      'is accepted as a whole',
      {
        statusCode: 201,
        headers: { 'Content-Type': 'text/plain', 'X-N': 3, 'X-Is': true },
        body: 'b',
        isBase64Encoded: false,
      },
      { status: 201, headers: { 'content-type': 'text/plain', 'x-n': '3', 'x-is': 'true' }, body: 'b' },
    ],
    ['may omit everything', {}, { status: 200, headers: JSON_TYPE, body: '' }],
    ['may have a status as a string', { statusCode: '404' }, { status: 404, headers: JSON_TYPE, body: '' }],
    [
      'may have null for what it omits',
      { statusCode: 204, headers: null, multiValueHeaders: null, body: null },
      { status: 204, headers: JSON_TYPE, body: '' },
    ],
    [
      'may have several values of a header, which take precedence',
      { headers: { 'x-a': '0' }, multiValueHeaders: { 'X-A': ['1', 2], 'X-B': 'one' } },
      { status: 200, headers: { ...JSON_TYPE, 'x-a': '1, 2', 'x-b': 'one' }, body: '' },
    ],
    [
      'cannot control its connection',
      { headers: { Connection: 'close', 'Content-Length': '9', 'WWW-Authenticate': 'Basic' } },
      { status: 200, headers: { ...JSON_TYPE, ...REMAPPED }, body: '' },
    ],
    ['stays base64', { body: 'aGk=', isBase64Encoded: true }, { status: 200, headers: JSON_TYPE, body: 'aGk=' }],
  ])('%s', (_, result, expected) => expect(answerOf(result)).toEqual(expected));

  test.each<[string, unknown]>([
    ['nothing', null],
    ['text', 'hello'],
    ['a list', []],
    ['another field', { statusCode: 200, cookies: [] }],
    ['an error of Lambda', { errorType: 'Error', errorMessage: 'no' }],
    ['a body that is not a string', { body: { hey: 'dude' } }],
    ['an invalid status', { statusCode: 'OK' }],
    ['a fractional status', { statusCode: 200.5 }],
    ['a status out of range', { statusCode: 700 }],
    ['a status of another type', { statusCode: true }],
    ['headers that are a string', { headers: 'x: y' }],
    ['headers that are objects', { headers: { x: {} } }],
    ['headers that are null', { headers: { x: null } }],
    ['a header on two lines', { headers: { x: 'a\r\ny: b' } }],
    ['an invalid header name', { headers: { 'x y': 'a' } }],
    ['lists that are strings', { multiValueHeaders: 'x' }],
    ['an encoding that is a string', { isBase64Encoded: 'yes' }],
  ])('is malformed with %s', (_, result) => expect(answerOf(result)).toBeUndefined());
});
