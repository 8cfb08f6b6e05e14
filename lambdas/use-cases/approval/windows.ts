import { neverMeet, neverMeetText } from '../../domain/waiting/change-windows.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { windowsOf } from '../../domain/waiting/waiting.ts';
import type { Clock, Settings } from '../../ports/index.ts';

/**
 * Throws WindowOutOfReach if the request's window is never open together with the deployment's: planning and approving the
 * migration would be in vain.
 */
export function assertWindowsMeet(
  request: Parameters<typeof windowsOf>[0],
  settings: Settings,
  clock: Pick<Clock, 'now'>,
): void {
  const windows = windowsOf(request, settings);
  if (!neverMeet(windows, clock.now())) return;
  throw new MigrationError(
    'WindowOutOfReach',
    `The change window of the request ${neverMeetText(windows)}. Nothing was changed. Start the migration again with another window.`,
  );
}
