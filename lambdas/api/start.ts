/** POST /plans and POST /migrations. */
import { neverMeet, neverMeetText } from '../domain/waiting/change-windows.ts';
import { partitionOf } from '../domain/aws/partitions.ts';
import { migrationRequest, type MigrationRequestInput, type Target } from '../domain/migration/model.ts';
import { isServed } from '../domain/aws/spokes.ts';
import { windowsOf } from '../domain/waiting/waiting.ts';
import type { HandlerDependencies } from '../ports/index.ts';
import type { Accepted } from './answers.ts';
import { acceptedAs, planLinksOf } from './links.ts';
import type { Call, Reply } from './operations.ts';
import { ApiProblem, invalid } from './problems.ts';
import { takeIn } from './idempotency.ts';

interface Location {
  account: string;
  region: string;
}
/** The names of both in the request. */
type Fields = Record<keyof Location, string>;

type Asking = Pick<Call<'getPlan'>, 'account' | 'caller'>;

/**
 * An account that the service has no role in must never get any further: a cluster of the same name may be in its own.
 * `field`: its name in the request.
 */
export function assertAccount(
  account: string,
  field: string,
  { account: own }: Asking,
  { settings: { accounts = [] } }: Pick<HandlerDependencies, 'settings'>,
): void {
  if (isServed(account, { account: own, accounts })) return;
  const message = `is not ${own}, the account that this service works in${accounts.length > 0 ? `, nor one of those that it was deployed for: ${accounts.join(', ')}` : ''}`;
  throw new ApiProblem('other-account', `${field}: ${message}. Send the request to the service of that account.`, {
    errors: [{ field, message }],
  });
}

/** The caller's ARN says which partition the service is in. */
export function assertRegion(region: string, field: string, { caller }: Asking): void {
  const [, partition = ''] = caller.split(':');
  if (partitionOf(region) !== partition)
    throw invalid([{ field, message: `must be a region of the partition ${partition}, in which this service is` }]);
}

/** Whether the service may look there, or change something there. */
export function assertLocation(
  { account, region }: Location,
  fields: Fields,
  call: Asking,
  dependencies: Pick<HandlerDependencies, 'settings'>,
): void {
  assertAccount(account, fields.account, call, dependencies);
  assertRegion(region, fields.region, call);
}

/** Refuses a window that never opens together with the deployment's, before anything is planned for it. */
export function assertWindow(
  request: Parameters<typeof windowsOf>[0],
  field: string,
  { settings, clock }: Pick<HandlerDependencies, 'settings' | 'clock'>,
): void {
  const windows = windowsOf(request, settings);
  if (neverMeet(windows, clock.now())) throw invalid([{ field, message: neverMeetText(windows) }]);
}

const OF_TARGET: Fields = { account: 'body.target.account', region: 'body.target.region' };

async function start(
  request: MigrationRequestInput & { target: Target },
  call: Pick<Call<'createPlan'>, 'caller' | 'account' | 'prefix' | 'idempotencyKey' | 'correlation'>,
  dependencies: HandlerDependencies,
): Promise<Accepted> {
  assertLocation(request.target, OF_TARGET, call, dependencies);
  assertWindow(migrationRequest.parse(request), 'body.changeWindow', dependencies);
  const migrationId = await takeIn(
    migrationRequest.parse({ ...request, requestedBy: call.caller }),
    call,
    dependencies,
  );
  dependencies.telemetry.log.info('api: a request was taken in', {
    migrationId,
    caller: call.caller,
    dryRun: request.dryRun ?? false,
  });
  return acceptedAs(call.prefix, migrationId);
}

/** Where it is, `Location` says too. */
const located = (body: Accepted): { body: Accepted; headers: Record<string, string> } => ({
  body,
  headers: { location: body.links.self },
});

export async function createPlan(
  call: Call<'createPlan'>,
  dependencies: HandlerDependencies,
): Promise<Reply<'createPlan'>> {
  const accepted = await start({ ...call.body, dryRun: true }, call, dependencies);
  return located({ ...accepted, links: planLinksOf(accepted.links) });
}

export const createMigration = async (
  call: Call<'createMigration'>,
  dependencies: HandlerDependencies,
): Promise<Reply<'createMigration'>> => located(await start(call.body, call, dependencies));
