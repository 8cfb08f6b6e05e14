/**
 * Notes that an execution works on the sweep, and stores the locations to inspect. Idempotency: can be repeated at any
 * time; an execution notes itself once, and the same locations are stored again. Failure: the sweep fails before any
 * location was inspected. An account that the service may not work on is refused before anything is called there.
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

/** The number of earlier sweeps that are searched for one with the same selection: years of a weekly sweep. */
const MOST_LISTED = 200;
const PAGE = 50;

/** Returns the last completed sweep before this one that has the same selection. */
async function previousOf({ sweepId, startedAt, request }: Sweep, sweeps: Sweeps): Promise<string | undefined> {
  let from: ListPosition | undefined = { startedAt, id: sweepId };
  for (let listed = 0; listed < MOST_LISTED && from !== undefined; listed += PAGE) {
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
      'The function does not know which locations to inspect and where to store what it finds: ACCOUNT, SETTINGS_FILE or BUCKET_NAME is not set. Deploy the service again.',
    );
  return { home, accounts, regions, bucket };
}

const run: StepRun<typeof beginSweepSchema> = async (
  { sweepId, executionArn, request },
  { sweeps, documents, settings, clock },
) => {
  const { bucket, ...territory } = territoryOf(settings);
  const known = await sweeps.get(sweepId);
  const effective = known?.request ?? request;
  if (!effective)
    throw new MigrationError(
      'BadInput',
      `The ledger has no sweep ${sweepId}, and the execution's input has no request. Start the execution with a request: {"sweepId": "…", "request": {"mode": "inventory"}}.`,
    );
  const sweep = known ?? (await sweeps.create(newSweep({ sweepId, request: effective, startedAt: utcNow(clock) })));
  const answer = {
    sweepId,
    mode: sweep.request.mode,
    bucket,
    locationsKey: locationsKey(sweepId),
    mapPrefix: mapPrefix(sweepId),
  };
  if (sweep.status === 'ended') return { ...answer, phase: 'ended', locations: 0 };
  // This comes first, so that a refusal below ends the sweep as failed.
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
