/** EKS's health issues of an add-on that a person has to finish. They are separate from the restore commands. */
import type { Addon } from '../terms/observed.ts';
import { type Check, some, warn } from '../terms/check.ts';
import { asClause } from '../text/text.ts';

/** ID of the warning. */
export const HEALTH_AT_END = 'health-at-end';

/** Returns a warning with the health issues of the add-on, if it has any. Their text may quote third parties. */
export const healthWarnings = (addon: Addon | undefined): Check[] =>
  addon === undefined || addon.issues.length === 0
    ? []
    : [
        warn(
          HEALTH_AT_END,
          `Add-on ${addon.name} is ${addon.status}. EKS reports: ${some(addon.issues.map(({ code, message }) => `${code}: ${asClause(message)}`))}.`,
          'Read these issues before you run the commands that restore the add-on.',
        ),
      ];
