/** The constructs' properties in the package's declarations are generated from the schema of the settings. */
import { expectTypeOf, it } from 'vitest';
import type { MigratorSettings } from '../../dist/settings-types.d.ts';
import type { MigratorSettings as OfSchema } from '../../lib/settings-types.ts';

it("have the schema's types", () => {
  // The compiler checks these.
  expectTypeOf<MigratorSettings>().toEqualTypeOf<OfSchema>();
  expectTypeOf<Required<MigratorSettings>>().toEqualTypeOf<Required<OfSchema>>();
  expectTypeOf<OfSchema>().not.toEqualTypeOf<Omit<MigratorSettings, 'logLevel'>>();
});
