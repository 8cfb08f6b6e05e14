/** The constructs' properties are generated from the schema of the settings. */
import { readFileSync } from 'node:fs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type { settings } from '../../lib/settings.ts';
import type { MigratorSettings } from '../../lib/settings-types.ts';
import { settingsTypes, TYPES_FILE } from '../../scripts/settings-types.ts';

type OfSchema = Omit<z.input<typeof settings>, '$schema'>;

describe('lib/settings-types.ts', () => {
  it('is fresh: node scripts/settings-types.ts', () => expect(readFileSync(TYPES_FILE, 'utf8')).toBe(settingsTypes()));

  it('has the types of the schema', () => {
    // The compiler checks these.
    expectTypeOf<MigratorSettings>().toEqualTypeOf<OfSchema>();
    expectTypeOf<Required<MigratorSettings>>().toEqualTypeOf<Required<OfSchema>>();
    expectTypeOf<OfSchema>().not.toEqualTypeOf<Omit<MigratorSettings, 'logLevel'>>();
  });
});
