/** Flags of `generate-fleet`. */
import { z } from 'zod';
import { regionName } from '../../lambdas/domain/text/names.ts';
import { wholeNumber } from '../fields.ts';
import { parseFlags, seed } from '../options.ts';
import { DEFAULT_ACCOUNTS, FAULTY_ACCOUNTS } from './generate.ts';
import { MOST_ADDONS } from './versions.ts';

const from = (least: number, most: number) => {
  const message = `must be a whole number from ${least} to ${most}`;
  return wholeNumber(z.number(message).int(message).min(least, message).max(most, message));
};

const regions = z.string().transform((text, context): string[] => {
  const names = text.split(',').map((name) => name.trim());
  const problem =
    names.length === new Set(names).size
      ? z.array(regionName).max(30, 'must be at most 30 regions').safeParse(names).error?.issues[0]?.message
      : 'must name each region once';
  if (problem === undefined) return names;
  context.addIssue({ code: 'custom', message: problem });
  return z.NEVER;
});

const fleetFlags = z
  .strictObject({
    clusters: z.string({ error: 'is missing: specify the number of clusters' }).pipe(from(1, 20_000)),
    seed: z.string({ error: 'is missing: specify a number; the same seed generates the same fleet' }).pipe(seed),
    accounts: from(1, 1000).default(DEFAULT_ACCOUNTS),
    regions: regions.optional(),
    addons: from(2, MOST_ADDONS).optional(),
    faults: z.boolean().default(false),
    debug: z.boolean().default(false),
  })
  .superRefine(({ accounts, faults }, context) => {
    if (faults && accounts < FAULTY_ACCOUNTS)
      context.addIssue({
        code: 'custom',
        path: ['faults'],
        message: `needs ${FAULTY_ACCOUNTS} accounts: raise --accounts, or omit it`,
      });
  });
export type FleetFlags = z.output<typeof fleetFlags>;

export const GENERATE_FLEET = 'generate-fleet';

export const parseFleetFlags = (given: Record<string, unknown>): FleetFlags =>
  parseFlags(fleetFlags, given, GENERATE_FLEET);
