/** Software whose SDK is too old or unknown, and what its pods have in the end: with each way to migrate it. */
import { WAYS } from './judged.ts';
import { describeWays } from './judged-ways.ts';

describeWays(WAYS);
