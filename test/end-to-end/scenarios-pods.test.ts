/** The built-in scenarios of SDKs, network policies, role chains and consumers of web identities, run to their ends. */
import { describe } from 'vitest';
import { chainRows } from './chain-rows.ts';
import { consumerRows } from './consumer-rows.ts';
import { reachabilityRows } from './reachability-rows.ts';
import { describeRows } from './scenario-tests.ts';
import { sdkRows } from './sdk-rows.ts';

describe('the built-in scenarios of what pods depend on', () => {
  describeRows([...sdkRows, ...reachabilityRows, ...chainRows, ...consumerRows]);
});
