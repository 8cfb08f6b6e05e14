/** Sends requests that nobody should send: each has to be answered as what it is, and to start nothing. */
import * as fc from 'fast-check';
import { expect } from 'vitest';
import { pathOf } from '../../../lambdas/api/event.ts';
import { type Operation, OPERATIONS } from '../../../lambdas/api/operations.ts';
import { problem } from '../../../lambdas/api/problems.ts';
import type { ProxyEvent } from '../../../lambdas/api/proxy.ts';
import { createHandler, type LambdaContext } from '../../../lambdas/runtime/handler.ts';
import { apiStep } from '../../../lambdas/steps/api/handler.ts';
import type { Fakes } from '../fakes.ts';
import { sweepRequest } from '../../../lambdas/domain/sweep/request.ts';
import { newSweep } from '../../../lambdas/use-cases/sweep/commanding.ts';
import { aMigration, at, MIGRATION_ID } from '../fixtures.ts';
import { newFakes } from './gateway.ts';
import { hostileEvent } from './hostile.ts';

const PATTERNS = Object.values<Operation>(OPERATIONS).map((one) => ({
  ...one,
  pattern: new RegExp(`^${one.path.replace(/\{\w+\}/g, '[^/]+')}/?$`),
}));

interface Event extends Pick<ProxyEvent, 'resource' | 'pathParameters' | 'path'> {
  httpMethod: string;
  body: string | null;
  isBase64Encoded: unknown;
}

/** Whether what was taken is right by the operation's own schemas. */
function isRight({ httpMethod, body, isBase64Encoded, ...event }: Event): boolean {
  const path = pathOf(event);
  if (httpMethod === 'OPTIONS') return PATTERNS.some((one) => one.pattern.test(path));
  const method = httpMethod === 'HEAD' ? 'GET' : httpMethod;
  const operation = PATTERNS.find((one) => one.method === method && one.pattern.test(path));
  if (!operation) return false;
  if (!operation.body) return true;
  const text =
    typeof body === 'string' ? Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8').toString('utf8') : '';
  return operation.body.safeParse(text === '' ? {} : JSON.parse(text)).success;
}

interface Tally {
  statuses: Map<number, number>;
  fields: Set<string>;
}

const REFUSALS = [400, 403, 404, 405, 409, 413, 415, 422];
const FIELD = /^(path|query|header|body)(\.|$)/;
/** As zod begins what nobody has said better. */
const ZODS = /^(Invalid|Too (small|big)|Unrecognized|Expected|Required)/;
// oxlint-disable-next-line eslint/no-control-regex -- what a terminal obeys.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** What of an answer that is no success is not as it has to be. */
function wrongInRefusal(
  status: number,
  type: string | undefined,
  body: string,
  { journal }: Fakes,
  { fields }: Tally,
): string[] {
  const found = problem.parse(JSON.parse(body));
  const { errors = [] } = found;
  for (const { field } of errors) fields.add(field);
  const namesFields = errors.length > 0 && errors.every(({ field }) => FIELD.test(field));
  const written = journal
    .names()
    .filter(
      (name) => /put|cancel|decide|update|create|command/i.test(name) || (name === 'ledger.claim' && status === 400),
    );
  return [
    ...(REFUSALS.includes(status) ? [] : [`status ${status}`]),
    ...(type === 'application/problem+json' && found.status === status
      ? []
      : [`no problem of its status: ${type ?? ''}`]),
    ...errors.filter(({ message }) => ZODS.test(message)).map(({ field, message }) => `of zod: ${field} ${message}`),
    ...(CONTROL.test(found.detail) || body.length > 10_000 ? ['a detail that is not fit to be shown'] : []),
    ...((status === 400 || status === 422) && !namesFields ? ['no field'] : []),
    ...(written.length > 0 && status !== 409 ? [`writes: ${written.join()}`] : []),
    ...journal.mutations().map((name) => `changes by ${name}`),
  ];
}

/** What is wrong with how an event was answered. */
async function wrongIn(
  handle: (event: unknown) => Promise<unknown>,
  fakes: Fakes,
  event: Event,
  tally: Tally,
): Promise<string[]> {
  fakes.journal.clear();
  const { statusCode, headers, body } = (await handle(event)) as {
    statusCode: number;
    headers: Record<string, string>;
    body: string;
  };
  tally.statuses.set(statusCode, (tally.statuses.get(statusCode) ?? 0) + 1);
  if (event.httpMethod === 'HEAD') return body === '' ? fakes.journal.mutations() : ['a body for HEAD'];
  if (statusCode >= 300) return wrongInRefusal(statusCode, headers['content-type'], body, fakes, tally);
  return [
    ...(isRight(event) ? [] : ['taken, though it is not right']),
    ...(['GET', 'OPTIONS'].includes(event.httpMethod) ? fakes.journal.mutations() : []),
  ];
}

/**
 * Sends hostile requests, always the same ones, and expects each to be refused or to be right; `ofEach`: answers of each
 * status, at least. Resolves to the number of answers.
 */
export async function sendHostile({ runs, ofEach }: { runs: number; ofEach: number }): Promise<number> {
  const fakes = newFakes();
  await fakes.ledger.putMigration(aMigration());
  await fakes.sweeps.create({
    ...newSweep({ sweepId: MIGRATION_ID, request: sweepRequest.parse({ mode: 'migrate' }), startedAt: at(0) }),
    phase: 'migrations',
  });
  const handler = createHandler(apiStep, fakes.dependencies);
  const context = { getRemainingTimeInMillis: () => 25_000 } as LambdaContext;
  const tally: Tally = { statuses: new Map(), fields: new Set() };
  await fc.assert(
    fc.asyncProperty(hostileEvent, async (event) => {
      expect(await wrongIn((given) => handler(given, context), fakes, event as unknown as Event, tally)).toEqual([]);
    }),
    { numRuns: runs, seed: 20_260_105, endOnFailure: true },
  );
  const { statuses, fields } = tally;
  const count = (from: number, to: number): number =>
    [...statuses].reduce((sum, [status, n]) => sum + (status >= from && status < to ? n : 0), 0);
  // The requests reach all of the code: not all are refused by the first check.
  expect([count(200, 300) > 0.02 * runs, count(400, 500) > 0.6 * runs, count(500, 600)]).toEqual([true, true, 0]);
  for (const status of [400, 404, 405, 409, 413, 415, 422])
    expect(statuses.get(status), `answers of ${status}`).toBeGreaterThanOrEqual(ofEach);
  const locations =
    'path.id path.name query.limit query.next query.since header.idempotency-key body body.target.region ' +
    'body.planHash body.requestedBy body.changeWindow.schedule body.mode';
  for (const location of locations.split(' ')) expect([...fields]).toContain(location);
  expect(
    ['body.selection.', 'body.limits.', 'body.options.'].filter(
      (part) => ![...fields].some((field) => field.startsWith(part)),
    ),
  ).toEqual([]);
  expect(Object.keys(fakes.telemetry.counts).filter((name) => /unexpected/.test(name))).toEqual([]);
  // What was right has started a migration, or a sweep, each, and no more.
  expect(fakes.executions.migrations.length + fakes.executions.sweeps.length).toBeLessThan(count(200, 300));
  expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('dryRun');
  return count(0, 600);
}
