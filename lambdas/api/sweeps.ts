/** POST /sweeps, GET /sweeps, and the operations on a single sweep. */
import { z } from 'zod';
import { inCurrentForm } from '../domain/acceptance/former.ts';
import { isMigrationError, MigrationError } from '../domain/failures/errors.ts';
import { knownFailure } from '../domain/failures/names.ts';
import { sha256 } from '../domain/text/sha256.ts';
import type { Sweep, SweepCommand } from '../domain/sweep/model.ts';
import { type SweepRequest, sweepRequest } from '../domain/sweep/request.ts';
import { standingOf } from '../domain/sweep/standing.ts';
import type { Claim, HandlerDependencies } from '../ports/index.ts';
import { commandSweep, showSweep, startSweep } from '../use-cases/sweep/commanding.ts';
import { utcNow } from '../runtime/utc.ts';
import type { SweepActionAnswer, SweepAnswer } from './answers.ts';
import { sweepLinksOf, sweepPath } from './links.ts';
import { retryLater } from './later.ts';
import type { Call, Reply } from './operations.ts';
import { ApiProblem } from './problems.ts';
import { claimOnce } from './idempotency.ts';
import { assertAccount, assertRegion, assertWindow } from './start.ts';
import { goesOnAfter, listIdOf, tokenAfter } from './tokens.ts';

/** Throws `ApiProblem` if the selection names an account or region that the deployment does not serve. */
function assertSelection(
  { body: { selection }, ...call }: Pick<Call<'createSweep'>, 'body' | 'account' | 'caller'>,
  dependencies: HandlerDependencies,
): void {
  for (const [index, account] of (selection.accounts ?? []).entries())
    assertAccount(account, `body.selection.accounts.${index}`, call, dependencies);
  for (const [index, region] of (selection.regions ?? []).entries())
    assertRegion(region, `body.selection.regions.${index}`, call);
}

const claimed = z.object({ sweep: sweepRequest });

/** Returns the claimed request. A repeated request completes that one instead of what the caller sent now. */
function requestIn({ migrationId, input }: Claim): SweepRequest {
  try {
    return claimed.parse(inCurrentForm(JSON.parse(input))).sweep;
  } catch (error) {
    throw new MigrationError(
      'BadInput',
      `The claim of sweep ${migrationId} in the ledger does not have the format that this service writes. Nothing was started for it.`,
      { cause: error },
    );
  }
}

export async function createSweep(
  call: Call<'createSweep'>,
  dependencies: HandlerDependencies,
): Promise<Reply<'createSweep'>> {
  assertSelection(call, dependencies);
  const { body, caller, correlation, prefix } = call;
  assertWindow(body.options, 'body.options.changeWindow', dependencies);
  const { ids, clock, sweeps } = dependencies;
  const request = { ...body, requestedBy: caller };
  const mine: Claim = {
    migrationId: ids.ulid(),
    fingerprint: sha256({ sweep: request }),
    at: utcNow(clock),
    input: JSON.stringify({ sweep: request }),
  };
  const claim = await claimOnce(
    mine,
    call,
    async (standing) => (await sweeps.get(standing))?.status === 'ended',
    dependencies,
  );
  const { migrationId: sweepId } = claim;
  // The claim is this caller's: its key includes the caller.
  const requester = { source: 'api', principal: caller } as const;
  await startSweep(requestIn(claim), undefined, dependencies, { sweepId, requester, correlation });
  dependencies.telemetry.log.info('api: a sweep was accepted', { sweepId, caller, mode: body.mode });
  return {
    body: { sweepId, status: 'accepted', links: { self: sweepPath(prefix, sweepId) } },
    headers: { location: sweepPath(prefix, sweepId) },
  };
}

const unknownSweep = (id: string): ApiProblem =>
  new ApiProblem('unknown-sweep', `There is no sweep ${id}.`, {
    errors: [{ field: 'path.id', message: 'is not the id of a sweep' }],
  });

async function answerFor(id: string, prefix: string, dependencies: HandlerDependencies): Promise<SweepAnswer> {
  const found = await showSweep(id, dependencies);
  if (!found) throw unknownSweep(id);
  const { sweep, tally } = found;
  const { executionArn, status } = sweep;
  const execution =
    executionArn === undefined || status === 'ended' ? undefined : await dependencies.executions.describe(executionArn);
  const standing = standingOf(sweep, tally, execution?.status);
  return {
    ...standing,
    ...(standing.cause ? { cause: knownFailure(standing.cause) } : {}),
    links: sweepLinksOf(prefix, sweep),
  };
}

export async function getSweep(
  { parameters: { id }, prefix }: Call<'getSweep'>,
  dependencies: HandlerDependencies,
): Promise<Reply<'getSweep'>> {
  const body = await answerFor(id, prefix, dependencies);
  return { body, headers: retryLater(body) };
}

async function foundSweep(id: string, { sweeps }: HandlerDependencies): Promise<Sweep> {
  const sweep = await sweeps.get(id);
  if (!sweep) throw unknownSweep(id);
  return sweep;
}

export async function getSweepReport(
  { parameters: { id }, prefix }: Call<'getSweepReport'>,
  dependencies: HandlerDependencies,
): Promise<Reply<'getSweepReport'>> {
  const sweep = await foundSweep(id, dependencies);
  const { reports, status } = sweep;
  if (!reports)
    throw new ApiProblem(
      'no-report',
      `Sweep ${id} has no report${status === 'ended' ? ': it ended before a report was written' : ' yet: the report is written when the sweep ends'}.`,
      { errors: [{ field: 'path.id', message: 'is the id of a sweep that has no report' }] },
    );
  return { body: { sweepId: id, reports, links: sweepLinksOf(prefix, sweep) } };
}

export async function listSweeps(
  { query: { limit, next: token, ...filter }, prefix }: Call<'listSweeps'>,
  { sweeps }: HandlerDependencies,
): Promise<Reply<'listSweeps'>> {
  const list = listIdOf('sweeps', filter);
  const page = await sweeps.list(filter, limit, goesOnAfter(list, token));
  const shown = page.sweeps.map((one) => ({ ...one, links: { self: sweepPath(prefix, one.sweepId) } }));
  return { body: { sweeps: shown, ...(page.next === undefined ? {} : { next: tokenAfter(list, page.next) }) } };
}

const commander =
  (command: SweepCommand['command']) =>
  async (
    {
      parameters: { id },
      body: { reason },
      caller,
      prefix,
    }: Pick<Call<'pauseSweep'>, 'parameters' | 'body' | 'caller' | 'prefix'>,
    dependencies: HandlerDependencies,
  ): Promise<{ body: SweepActionAnswer; headers: Record<string, string> }> => {
    await foundSweep(id, dependencies);
    let first: boolean;
    try {
      ({ first } = await commandSweep(id, command, { by: caller, reason }, dependencies));
    } catch (error) {
      if (isMigrationError(error, 'BadInput')) throw new ApiProblem('not-now', error.message);
      throw error;
    }
    dependencies.telemetry.log.info('api: a command was sent to a sweep', { sweepId: id, command, caller });
    return {
      body: { ...(await answerFor(id, prefix, dependencies)), action: command, first },
      headers: { location: sweepPath(prefix, id) },
    };
  };

export const pauseSweep = commander('pause');
export const resumeSweep = commander('resume');
export const stopSweep = commander('stop');
