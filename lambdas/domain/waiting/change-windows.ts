/**
 * The deployment's change window and a request's own, together: a change may begin only while all of them are open. Outside of
 * its window a deployment is frozen, and no request can lift that.
 */
import { type ChangeWindow, HORIZON_MS, isOpen, nextOpening, openUntil, windowText } from './change-window.ts';

type Windows = readonly ChangeWindow[];

/**
 * Openings that are compared at most: more than two windows of 15 minutes have in the longest wait. What has not met by
 * then would be no use to anybody, and takes half a second to find.
 */
const MOST_COMPARED = 4000;

/** Whether all are open; without any, a change may begin at any time. */
export const areOpen = (windows: Windows, now: number): boolean => windows.every((window) => isOpen(window, now));

/** When the first of them closes again, in milliseconds since 1970; undefined while one is closed, or without any. */
export function allOpenUntil(windows: Windows, now: number): number | undefined {
  const ends = windows.flatMap((window) => openUntil(window, now) ?? []);
  return ends.length > 0 && ends.length === windows.length ? Math.min(...ends) : undefined;
}

/**
 * The first time at or after `now` when all are open; undefined where none comes within 400 days. Each step goes to the
 * next opening of a window that is closed, which can be no later than the time that is looked for.
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

/** Names them at the beginning of a message. */
export const windowsText = (windows: Windows): string =>
  windows.length === 1
    ? windows.map(windowText).join('')
    : `The overlap of the change windows of the deployment and of the request (${windows.map(({ schedule, timeZone }) => `${schedule}, ${timeZone}`).join('; ')})`;

/** Whether there is no time in sight at which the change could begin. */
export const neverMeet = (windows: Windows, now: number): boolean =>
  windows.length > 1 && nextCommonOpening(windows, now) === undefined;

/** What is wrong with a request whose window never meets the deployment's, after the name of its field. */
export const neverMeetText = ([deployments]: Windows): string =>
  `is never open together with the deployment's change window${deployments ? ` (${deployments.schedule}, ${deployments.timeZone}, for ${deployments.durationMinutes} minutes)` : ''}. A request can narrow that window, and not widen it: choose one within it, or leave it out`;
