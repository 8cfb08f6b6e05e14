/** POST /plans and POST /migrations. */
import { neverMeet, neverMeetText } from '../domain/waiting/change-windows.ts';
import { partitionOf } from '../domain/aws/partitions.ts';
import { migrationRequest, type MigrationRequestInput } from '../domain/request/request.ts';
import type { Target } from '../domain/terms/subject.ts';
import { isServed } from '../domain/access/spokes.ts';
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
/** Names of the two fields in the request. */
type Fields = Record<keyof Location, string>;

type Asking = Pick<Call<'getPlan'>, 'account' | 'caller'>;

/**
 * Throws `ApiProblem` for an account in which the service has no role: the service's own account may have a cluster of
 * the same name. `field` is the name of the account's field in the request.
 */
export function assertAccount(
  account: string,
  field: string,
  { account: own }: Asking,
  { settings: { accounts = [] } }: Pick<HandlerDependencies, 'settings'>,
): void {
  if (isServed(account, { account: own, accounts })) return;
  const message = `is not ${own}, the account of this service${accounts.length > 0 ? `, nor one of the accounts that it was deployed for: ${accounts.join(', ')}` : ''}`;
  throw new ApiProblem('other-account', `${field}: ${message}. Send the request to the service of that account.`, {
    errors: [{ field, message }],
  });
}

/** Throws `ApiProblem` for a region of another partition. The caller's ARN contains the service's partition. */
export function assertRegion(region: string, field: string, { caller }: Asking): void {
  const [, partition = ''] = caller.split(':');
  if (partitionOf(region) !== partition)
    throw invalid([
      { field, message: `must be a region of the partition ${partition}, where this service is deployed` },
    ]);
}

/** Throws `ApiProblem` if the service does not serve the location. */
export function assertLocation(
  { account, region }: Location,
  fields: Fields,
  call: Asking,
  dependencies: Pick<HandlerDependencies, 'settings'>,
): void {
  assertAccount(account, fields.account, call, dependencies);
  assertRegion(region, fields.region, call);
}

/** Throws `ApiProblem` for a window that is never open at the same time as the deployment's, before planning starts. */
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
  dependencies.telemetry.log.info('api: a request was accepted', {
    migrationId,
    caller: call.caller,
    dryRun: request.dryRun ?? false,
  });
  return acceptedAs(call.prefix, migrationId);
}

/** Adds the header `Location`. */
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
