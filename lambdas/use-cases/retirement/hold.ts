/** What a retirement or a reinstatement must have before it writes: the least soak time, an approval, and the change window. */
import { acceptedNames } from '../../domain/acceptance/accept.ts';
import { type Hold, holdOf } from '../../domain/waiting/operations.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { sha256 } from '../../domain/text/sha256.ts';
import { executionName } from '../../domain/aws/arn.ts';
import { areOpen, nextCommonOpening, windowsText } from '../../domain/waiting/change-windows.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { utcOf } from '../../runtime/utc.ts';
import { unapprovedOperation } from '../approval/approver.ts';
import type { RetirementPreview } from './decide.ts';
import type { RetirementRun } from './note.ts';

type Changing = Pick<RetirementRun, 'migrationId' | 'executionArn' | 'action' | 'accept'>;
type Judging = Pick<HandlerDependencies, 'ledger' | 'settings' | 'portsFor' | 'clock'>;

const refused = (why: string, next: string): MigrationError =>
  new MigrationError('RetireRefused', `${why} Nothing was changed. ${next}`);

const AGAIN = 'Request it again.';

/**
 * Returns the hash of what the execution writes: of each role, its trust policy before and after. It is of this execution, so
 * that an approval serves once.
 */
export const changeHash = (
  { migrationId, executionArn, action, accept }: Changing,
  { decisions }: Pick<RetirementPreview, 'decisions'>,
): string =>
  sha256({
    migrationId,
    id: executionName(executionArn),
    action,
    // The former name of the field, so that approvals from before it changed stay valid (ADR 121).
    acceptConsumers: acceptedNames({ accept }, 'consumer'),
    roles: decisions.flatMap((one) =>
      one.do === 'write' ? [{ roleArn: one.roleArn, before: one.before, after: one.after }] : [],
    ),
  });

/** Returns why the deployment refuses so few days; undefined if it does not. */
export const tooFewSoakDays = (
  { action, soakDays }: Pick<RetirementRun, 'action' | 'soakDays'>,
  { leastSoakDays = 0 }: { leastSoakDays?: number | undefined },
): string | undefined =>
  action === 'retire' && soakDays < leastSoakDays
    ? `must be at least ${leastSoakDays}, which the deployment requires (setting retirement.leastSoakDays)`
    : undefined;

/** Throws RetireRefused if the request has fewer `soakDays` than the deployment requires. */
export function assertSoakDays(
  run: Pick<RetirementRun, 'migrationId' | 'action' | 'soakDays'>,
  settings: HandlerDependencies['settings'],
): void {
  const why = tooFewSoakDays(run, settings);
  if (why === undefined) return;
  throw refused(
    `The OIDC trust of migration ${run.migrationId} was not retired: soakDays of the request is ${run.soakDays}, and ${why}.`,
    'Request it again with more soakDays.',
  );
}

/** Returns what holds the change back, now. */
export const heldBy = (
  { action }: Pick<RetirementRun, 'action'>,
  { settings, clock }: Pick<Judging, 'settings' | 'clock'>,
): Hold => holdOf(action, settings, clock.now());

/** Returns whether the deployment's window is open. */
const isWindowOpen = ({ settings: { changeWindow }, clock }: Pick<Judging, 'settings' | 'clock'>): boolean =>
  areOpen(changeWindow ? [changeWindow] : [], clock.now());

/**
 * Throws RetireRefused unless the change has the approval that it needs, and the window is open. Must be called under the
 * locks, with the decisions that are about to be carried out. A change that only completes a note writes to no role.
 */
export async function assertMayWrite(
  run: Changing & { stage?: string | undefined; approvedHash?: string | undefined },
  preview: RetirementPreview,
  dependencies: Judging,
): Promise<void> {
  if (preview.decisions.every((one) => one.do !== 'write')) return;
  const { migrationId, action, approvedHash } = run;
  const hold = heldBy(run, dependencies);
  const what = `The OIDC trust of migration ${migrationId} was not ${action === 'retire' ? 'retired' : 'restored'}`;
  const isClosed = hold.window && !isWindowOpen(dependencies);
  if (run.stage === undefined && (hold.approval || isClosed))
    throw refused(
      `${what}: this deployment requires ${hold.approval ? 'an approval' : 'its change window'}, and this execution runs a definition of an earlier release, which cannot wait for it.`,
      AGAIN,
    );
  if (hold.approval) {
    const asked = { hash: changeHash(run, preview), approvedHash };
    const why = await unapprovedOperation(migrationId, asked, dependencies);
    if (why !== undefined)
      throw refused(
        `${what}, since it has no approval that counts: ${why}.`,
        `${AGAIN} Then another person approves it.`,
      );
  }
  if (!isClosed) return;
  const windows = dependencies.settings.changeWindow ? [dependencies.settings.changeWindow] : [];
  const opens = nextCommonOpening(windows, dependencies.clock.now());
  throw refused(
    `${what}: ${windowsText(windows)} has closed${opens === undefined ? '' : `, and opens again at ${utcOf(opens)}`}.`,
    AGAIN,
  );
}
