/**
 * The built-in scenarios of add-ons and workloads, run to their ends in virtual time, and their expected results; with the
 * others in `scenarios-pods.test.ts`, these are all.
 */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { chainRows } from './chain-rows.ts';
import { consumerRows } from './consumer-rows.ts';
import { reachabilityRows } from './reachability-rows.ts';
import { rows as otherRows } from './scenario-rows.ts';
import { describeRows } from './scenario-tests.ts';
import { sdkRows } from './sdk-rows.ts';

const FOLDER = 'sandbox/scenarios';

describe('the built-in scenarios', () => {
  describeRows(otherRows);

  it('all occur in that table', () => {
    const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));
    expect(
      [
        ...new Set(
          [...otherRows, ...sdkRows, ...reachabilityRows, ...chainRows, ...consumerRows].map(
            ([name]) => `${name}.json`,
          ),
        ),
      ].sort(),
    ).toEqual(files.sort());
  });
});
