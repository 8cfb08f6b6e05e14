/**
 * The deployment's change window together with the request's: a change may begin only while both are open. Outside its
 * window a deployment is frozen, and no request can override that.
 */
import { type ChangeWindow, HORIZON_MS, isOpen, nextOpening, openUntil, windowText } from '../terms/change-window.ts';

type Windows = readonly ChangeWindow[];

/**
 * The maximum number of openings that are compared: more than two windows of 15 minutes have in the longest wait. A
 * later
 * overlap would be of no use, and this many comparisons already take half a second.
 */
const MOST_COMPARED = 4000;

/** Returns whether all windows are open. Without any window, a change may begin at any time. */
export const areOpen = (windows: Windows, now: number): boolean => windows.every((window) => isOpen(window, now));

/**
 * Returns when the first of the open windows closes, in milliseconds since 1970; `undefined` while a window is closed,
 * or
 * without any window.
 */
export function allOpenUntil(windows: Windows, now: number): number | undefined {
  const ends = windows.flatMap((window) => openUntil(window, now) ?? []);
  return ends.length > 0 && ends.length === windows.length ? Math.min(...ends) : undefined;
}

/**
 * Returns the first time at or after `now` at which all windows are open; `undefined` if there is none within 400 days.
 * Each step goes to the next opening of a closed window, which can't be later than the result.
 */
export function nextCommonOpening(windows: Windows, now: number): number | undefined {
  let time = now;
  for (let compared = 0; compared < MOST_COMPARED; compared += 1) {
    const at = time;
    const closed = windows.find((window) => !isOpen(window, at));
    if (!closed) return time;
    const opens = nextOpening(closed, time);
    if (opens === undefined || opens - now > HORIZON_MS) return undefined;
    time = opens;
  }
  return undefined;
}

/** Returns the names of the windows for the beginning of a message. */
export const windowsText = (windows: Windows): string =>
  windows.length === 1
    ? windows.map(windowText).join('')
    : `The overlap of the change windows of the deployment and of the request (${windows.map(({ schedule, timeZone }) => `${schedule}, ${timeZone}`).join('; ')})`;

/** Returns whether the windows have no overlap within 400 days. */
export const neverMeet = (windows: Windows, now: number): boolean =>
  windows.length > 1 && nextCommonOpening(windows, now) === undefined;

/** Returns the problem of a request whose window never overlaps the deployment's, to follow the name of its field. */
export const neverMeetText = ([deployments]: Windows): string =>
  `is never open together with the deployment's change window${deployments ? ` (${deployments.schedule}, ${deployments.timeZone}, for ${deployments.durationMinutes} minutes)` : ''}. A request can only narrow that window: choose one within it, or leave it out`;
