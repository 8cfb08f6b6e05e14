/** Requests that the API does not have, or in a form that it does not read: through the gateway, signed. */
import { gzipSync } from 'node:zlib';
import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import { describe, expect, it } from 'vitest';
import type { PlainHttpRequest } from '../../lambdas/adapters/clients.ts';
import type { Knobs } from '../../sandbox/scenario/scenario.ts';
import { type ApiWorld, BODY, type Heard, inApiWorld, migrationsIn, personIn, problemIn, ROLES } from './api-world.ts';
import { ADDON } from './fixture.ts';

const UNKNOWN = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';

describe('an unknown path or method', () => {
  it.each<Knobs['apiPathParameters']>(['encoded', 'decoded'])(
    'is named, by the service and not by the gateway (%s)',
    (apiPathParameters) =>
      inApiWorld({ knobs: { apiPathParameters } }, async ({ sandbox, ann }) => {
        for (const path of ['/', '/plan', '/migrations/x/y', '/clusters', '/clusters/a%2Fb', '/a%20b/c'])
          for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS'])
            expect((await ann.refused('unknown-path', method, path)).detail).toContain(
              `The path ${path} does not exist.`,
            );
        for (const [method, path, allow] of [
          ['DELETE', '/migrations', 'POST, GET, HEAD, OPTIONS'],
          ['PUT', `/plans/${UNKNOWN}`, 'GET, HEAD, OPTIONS'],
          ['GET', `/migrations/${UNKNOWN}/cancel`, 'POST, OPTIONS'],
          ['PATCH', '/clusters/dev/identities', 'GET, HEAD, OPTIONS'],
        ] as const) {
          const answer = await ann.ask(method, path);
          problemIn(answer, 'method-not-allowed');
          expect(answer.headers['allow']).toBe(allow);
        }
        expect(sandbox.executions.running()).toEqual([]);
      }),
  );

  it('is disclosed to no caller without permission or signature', () =>
    inApiWorld({}, async ({ sandbox }) => {
      const visitor = personIn(sandbox, ROLES.visitor, 'vic');
      problemIn(await visitor.ask('GET', '/plan'), 'gateway-access-denied');
      expect((await visitor.ask('HEAD', '/migrations')).status).toBe(403);
      const {
        status,
        headers,
        body: text,
      } = await sandbox.clients().config.transport.http({ method: 'GET', url: `${sandbox.apiUrl!}/plan`, headers: {} });
      problemIn({ status, headers, text }, 'gateway-missing-authentication-token');
    }));

  it('has HEAD for every GET, and OPTIONS everywhere', () =>
    inApiWorld({}, async ({ world, ann }) => {
      const id = await ann.plan();
      await world.rest();
      const got = await ann.ask('GET', `/plans/${id}`);
      const head = await ann.ask('HEAD', `/plans/${id}`);
      expect([head.status, head.text, head.headers['content-type']]).toEqual([200, '', got.headers['content-type']]);
      expect((await ann.ask('HEAD', `/plans/${UNKNOWN}`)).status).toBe(404);
      const options = await ann.ask('OPTIONS', `/plans/${id}`);
      expect([options.status, options.text, options.headers['allow']]).toEqual([204, '', 'GET, HEAD, OPTIONS']);
    }));
});

/** Sends the bytes unchanged by POST. */
async function post(
  { sandbox, ann }: Pick<ApiWorld, 'sandbox' | 'ann'>,
  path: string,
  body: Uint8Array,
  headers: Record<string, string> = {},
): Promise<Heard> {
  const url = new URL(`${sandbox.apiUrl!}${path}`);
  const { credentials } = ann;
  const signer = new SignatureV4({
    service: 'execute-api',
    region: sandbox.world.home.region,
    credentials,
    sha256: Sha256,
  });
  const unsigned = new HttpRequest({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    headers: { host: url.host, 'content-type': 'application/json', ...headers },
    body,
  });
  const request = { method: 'POST', url: url.href, headers: (await signer.sign(unsigned)).headers, body };
  const answer = await sandbox.clients().config.transport.http(request as unknown as PlainHttpRequest);
  return { status: answer.status, headers: answer.headers, text: answer.body };
}
const bytes = (text: string): Buffer => Buffer.from(text);
const nothingStarted = ({ world, sandbox }: Pick<ApiWorld, 'world' | 'sandbox'>): void => {
  expect([migrationsIn({ world, sandbox }), sandbox.world.log.mutations()]).toEqual([[], []]);
};

describe('a body', () => {
  const whole = JSON.stringify({ ...BODY, reason: 'x' });

  it('with a duplicate key starts nothing', () =>
    inApiWorld({}, async (given) => {
      const twice = bytes(whole.replace('{', '{"dryRun":true,"dryRun":false,'));
      expect(problemIn(await post(given, '/migrations', twice), 'invalid-request').errors).toEqual([
        { field: 'body.dryRun', message: 'is given more than once' },
      ]);
      nothingStarted(given);
    }));

  it('that is not UTF-8 starts nothing, and valid UTF-8 arrives unchanged', () =>
    inApiWorld({}, async (given) => {
      const [before, after] = whole.split('"x"').map(bytes) as [Buffer, Buffer];
      for (const wrong of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80]]) {
        const body = Buffer.concat([before, bytes('"'), Buffer.from(wrong), bytes('"'), after]);
        expect(problemIn(await post(given, '/migrations', body), 'invalid-request').errors).toEqual([
          { field: 'body', message: 'must be text in UTF-8' },
        ]);
      }
      nothingStarted(given);
      const right = await post(given, '/plans', bytes(whole.replace('"x"', '"naïve 𝄞"')));
      expect(right.status).toBe(202);
      const { migrationId } = JSON.parse(right.text) as { migrationId: string };
      expect(await given.ann.shownPlan(migrationId)).toMatchObject({ reason: 'naïve 𝄞', addon: ADDON });
      await given.world.rest();
    }));

  it.each<Knobs['apiContentEncoding']>(['decoded', 'passed'])(
    'with a content coding is not read, compressed or not, if the gateway passes it %s',
    (apiContentEncoding) =>
      inApiWorld({ knobs: { apiContentEncoding } }, async (given) => {
        const compressed = await post(given, '/migrations', gzipSync(whole), { 'content-encoding': 'gzip' });
        problemIn(compressed, 'unsupported-encoding');
        expect(compressed.headers['accept-encoding']).toBe('identity');
        for (const coding of ['gzip', 'br'])
          problemIn(
            await post(given, '/migrations', bytes(whole), { 'content-encoding': coding }),
            apiContentEncoding === 'decoded' ? 'gateway-unsupported-media-type' : 'unsupported-encoding',
          );
        nothingStarted(given);
      }),
  );

  it('that is empty counts as none, regardless of its type', () =>
    inApiWorld({}, async (given) => {
      const answer = await post(given, `/migrations/${UNKNOWN}/cancel`, bytes(''), { 'content-type': 'text/plain' });
      expect(problemIn(answer, 'unknown-migration').status).toBe(404);
    }));
});
