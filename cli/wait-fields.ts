/** Flags on what a change waits for: an approval and a change window. */
import { z } from 'zod';
import { changeWindow, type ChangeWindow } from '../lambdas/domain/terms/change-window.ts';
import { APPROVAL_HOURS, approvalMode } from '../lambdas/domain/request/request.ts';
import { requestedBy } from '../lambdas/domain/text/names.ts';
import { oneOf, wholeNumber } from './fields.ts';

const { schedule, durationMinutes, timeZone, waitAtMostHours } = changeWindow.shape;

const HOURS = `must be a whole number of hours from ${APPROVAL_HOURS.least} to ${APPROVAL_HOURS.most}`;

export const waitFields = {
  approval: oneOf(approvalMode).default('none'),
  approvalHours: wholeNumber(z.int(HOURS).min(APPROVAL_HOURS.least, HOURS).max(APPROVAL_HOURS.most, HOURS)).optional(),
  approveAs: requestedBy.min(1, 'must not be empty').optional(),
  window: schedule.optional(),
  windowMinutes: wholeNumber(durationMinutes).optional(),
  windowZone: timeZone.optional(),
  windowWaitHours: wholeNumber(waitAtMostHours.unwrap()).optional(),
};
export type WaitFlags = z.output<z.ZodObject<typeof waitFields>>;

/** The three flags that describe a window: its schedule, its duration and its time zone. */
const PARTS = { window: '--window', windowMinutes: '--window-minutes', windowZone: '--window-zone' } as const;
const partsOf = (flags: WaitFlags, given: boolean): (keyof typeof PARTS)[] =>
  (Object.keys(PARTS) as (keyof typeof PARTS)[]).filter((name) => (flags[name] !== undefined) === given);

/** Reports flags that need each other or exclude each other. */
export const checkWaits = (
  flags: WaitFlags & { deployed?: boolean | undefined },
  context: { addIssue: (issue: { code: 'custom'; path: string[]; message: string }) => void },
): void => {
  const wrong = (name: keyof WaitFlags, message: string): void =>
    context.addIssue({ code: 'custom', path: [name], message });
  const there = partsOf(flags, true);
  if (there.length > 0)
    for (const name of partsOf(flags, false))
      wrong(name, `is missing: ${Object.values(PARTS).join(', ')} must be used together`);
  if (there.length === 0 && flags.windowWaitHours !== undefined)
    wrong('windowWaitHours', `needs a change window: add ${Object.values(PARTS).join(', ')}, or omit it`);
  if (flags.approveAs !== undefined && flags.deployed)
    wrong(
      'approveAs',
      'works only in the embedded sandbox: with --deployed, another principal approves with pod-identity approve',
    );
};

export const windowFrom = ({
  window,
  windowMinutes,
  windowZone,
  windowWaitHours,
}: Partial<WaitFlags>): { changeWindow?: z.input<typeof changeWindow> } =>
  window === undefined || windowMinutes === undefined || windowZone === undefined
    ? {}
    : {
        changeWindow: {
          schedule: window,
          durationMinutes: windowMinutes,
          timeZone: windowZone,
          ...(windowWaitHours === undefined ? {} : { waitAtMostHours: windowWaitHours }),
        },
      };

/** Returns the window as text. */
export const windowText = ({ schedule: cron, durationMinutes: minutes, timeZone: zone }: ChangeWindow): string =>
  `'${cron}' for ${minutes} minutes (${zone})`;
