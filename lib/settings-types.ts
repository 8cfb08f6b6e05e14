import type { z } from 'zod';
import type { settings } from './settings.ts';

/**
 * The settings of a deployment, as in its configuration file. The package's declarations have an interface instead, with
 * the description of each setting, and without zod (scripts/settings-types.ts).
 */
export type MigratorSettings = Omit<z.input<typeof settings>, '$schema'>;
