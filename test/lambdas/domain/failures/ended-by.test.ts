import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endedBy, isEndedBy, NOT_PUT_BACK_TEXT } from '../../../../lambdas/domain/failures/ended-by.ts';

const both = (first: string, name: string, text: string): { name: string; message: string } => ({
  name: 'PodsFailing',
  message: `${first} ${NOT_PUT_BACK_TEXT}: ${name}: ${text}`,
});

describe('endedBy', () => {
  it('separates the failure that ended a rollback from the one that started it', () =>
    expect(endedBy(both('Pods fail.', 'SessionsMayEnd', 'It takes about 9 minutes: too long.'))).toEqual({
      last: { name: 'SessionsMayEnd', message: 'It takes about 9 minutes: too long.' },
      earlier: { name: 'PodsFailing', message: 'Pods fail.' },
    }));

  it('takes the last of several', () => {
    const twice = both(both('Pods fail.', 'RestoreFailed', 'Six actions.').message, 'AccessDenied', 'No.');
    expect(endedBy(twice)).toMatchObject({ last: { name: 'AccessDenied', message: 'No.' } });
  });

  it('does not split a failure that is the only one', () =>
    assert(
      property(string(), (message) => {
        const failure = { name: 'AddonFailed', message: message.replaceAll(NOT_PUT_BACK_TEXT, '') };
        expect(endedBy(failure)).toEqual({ last: failure });
      }),
    ));

  it('recognises an error of the service as the one that ended it', () => {
    const failure = both('Pods fail.', 'WebhookStillInjects', 'Still.');
    expect([isEndedBy(failure, 'WebhookStillInjects'), isEndedBy(failure, 'PodsFailing')]).toEqual([true, false]);
    expect(isEndedBy({ name: 'SessionsMayEnd', message: 'x' }, 'SessionsMayEnd')).toBe(true);
    expect(isEndedBy(undefined, 'SessionsMayEnd')).toBe(false);
  });
});
