/**
 * Notes that an execution works on the sweep, and lays out where it looks. Idempotency: repeatable at will; an
 * execution notes itself once, and the places are put again as they are. Failure: nothing was looked at. An account
 * that the service may not work on is refused before anything is called there.
 */
import { MigrationError } from '../../domain/failures/errors.ts';
import { mapPrefix, locationsKey } from '../../domain/sweep/keys.ts';
import type { Sweep } from '../../domain/sweep/model.ts';
import { locationsOf, type Territory } from '../../domain/sweep/locations.ts';
import { sameSelection } from '../../domain/sweep/selection.ts';
import type { ListPosition, Settings, Sweeps } from '../../ports/index.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { newSweep } from '../../use-cases/sweep/commanding.ts';
import { utcNow } from '../../runtime/utc.ts';
import { assertWindowsMeet } from '../../use-cases/approval/windows.ts';
import { beginSweepSchema } from './schema.ts';

/** Sweeps before this one that are looked through for one with the same selection: years of a weekly one. */
const MOST_LISTED = 200;
const PAGE = 50;

/** The last one before it that looked at the same, and to the end. */
async function previousOf({ sweepId, startedAt, request }: Sweep, sweeps: Sweeps): Promise<string | undefined> {
  let from: ListPosition | undefined = { startedAt, id: sweepId };
  for (let looked = 0; looked < MOST_LISTED && from !== undefined; looked += PAGE) {
    const page = await sweeps.list({}, PAGE, from);
    const found = page.sweeps.find(
      (one) =>
        one.status === 'ended' && one.outcome !== 'failed' && sameSelection(one.request.selection, request.selection),
    );
    if (found) return found.sweepId;
    from = page.next;
  }
  return undefined;
}

function territoryOf({ account: home, accounts = [], regions, bucket }: Settings): Territory & { bucket: string } {
  if (home === undefined || regions === undefined || bucket === undefined)
    throw new MigrationError(
      'BadInput',
      'This function was not told where the service looks and keeps what it finds (ACCOUNT, SETTINGS_FILE, BUCKET_NAME); deploy the service again.',
    );
  return { home, accounts, regions, bucket };
}

const run: StepRun<typeof beginSweepSchema> = async (
  { sweepId, executionArn, request },
  { sweeps, documents, settings, clock },
) => {
  const { bucket, ...territory } = territoryOf(settings);
  const known = await sweeps.get(sweepId);
  const asked = known?.request ?? request;
  if (!asked)
    throw new MigrationError(
      'BadInput',
      `There is no sweep ${sweepId} in the ledger, and the execution's input has no request. Start it with one: {"sweepId": "…", "request": {"mode": "inventory"}}.`,
    );
  const sweep = known ?? (await sweeps.create(newSweep({ sweepId, request: asked, startedAt: utcNow(clock) })));
  const answer = {
    sweepId,
    mode: sweep.request.mode,
    bucket,
    locationsKey: locationsKey(sweepId),
    mapPrefix: mapPrefix(sweepId),
  };
  if (sweep.status === 'ended') return { ...answer, phase: 'ended', locations: 0 };
  // First of all, so that what is refused below ends as a sweep that failed.
  if (sweep.executionArn !== executionArn)
    await sweeps.update(sweepId, { executionArn, executions: sweep.executions + 1 });
  if (sweep.phase !== 'inventory') return { ...answer, phase: sweep.phase, locations: 0 };

  assertWindowsMeet(sweep.request.options, settings, clock);
  const locations = locationsOf(sweep.request.selection, territory);
  await documents.put(locationsKey(sweepId), JSON.stringify(locations), 'application/json');
  const previous = sweep.previous ?? (await previousOf(sweep, sweeps));
  if (previous !== sweep.previous) await sweeps.update(sweepId, { previous });
  return { ...answer, phase: 'inventory', locations: locations.length };
};

export const beginSweepStep = step(beginSweepSchema, run);
