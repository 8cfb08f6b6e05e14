import { decodeTime } from 'ulid';
import { describe, expect, it } from 'vitest';
import { migrationId } from '../../../../lambdas/domain/text/names.ts';
import { ulidFrom } from '../../../../lambdas/domain/text/ulid.ts';

const NOW = Date.UTC(2026, 0, 5, 9);

describe('a derived ULID', () => {
  it('is a migration id, has its time, and is the same for the same text', () => {
    const id = ulidFrom(NOW, 'event-1');
    expect([migrationId.safeParse(id).success, decodeTime(id), ulidFrom(NOW, 'event-1')]).toEqual([true, NOW, id]);
  });

  it('is another one for another text or time, and sorts by its time', () => {
    expect(ulidFrom(NOW, 'event-2')).not.toBe(ulidFrom(NOW, 'event-1'));
    expect(ulidFrom(NOW + 1, 'event-1') > ulidFrom(NOW, 'event-1')).toBe(true);
    expect(new Set(Array.from({ length: 10_000 }, (_, index) => ulidFrom(NOW, String(index)))).size).toBe(10_000);
  });

  it.each([Number.NaN, -1, 0.5, Number.MAX_SAFE_INTEGER])('is one for the time %s too', (time) => {
    const id = ulidFrom(time, 'x');
    expect(migrationId.safeParse(id).success).toBe(true);
    expect(decodeTime(id)).toBe(Math.min(Math.max(Math.trunc(time) || 0, 0), 2 ** 48 - 1));
  });
});
