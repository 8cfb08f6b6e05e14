/** A world and a cluster without a scenario, for the tests of one service: empty except for what is given. */
import { CallLog } from '../calls/call-log.ts';
import { Faults } from '../calls/faults.ts';
import { Random } from '../random.ts';
import { newCluster } from './new-cluster.ts';
import { knobs as knobsSchema, type Knobs } from '../scenario/scenario.ts';
import { Schedule } from '../clock/schedule.ts';
import { Throttles } from '../calls/throttles.ts';
import type { ClusterState, World } from '../world/world.ts';

export const START = Date.parse('2026-01-15T09:00:00.000Z');
export const ACCOUNT = '111122223333';
export const REGION = 'eu-west-1';

export const bareWorld = ({
  seed = 1,
  knobs = {},
  ...parts
}: Partial<Omit<World, 'knobs'>> & { knobs?: Partial<Knobs> } = {}): World => ({
  seed,
  random: new Random(seed),
  schedule: new Schedule(START),
  knobs: knobsSchema.parse(knobs),
  catalogue: new Map(),
  accounts: new Map(),
  accessKeys: new Map(),
  log: new CallLog(),
  faults: new Faults([]),
  throttles: new Throttles(),
  events: [],
  notifications: [],
  deadLetters: [],
  buckets: new Map(),
  home: { account: ACCOUNT, region: REGION },
  ...parts,
});

export const bareCluster = ({ name, ...parts }: Pick<ClusterState, 'name'> & Partial<ClusterState>): ClusterState =>
  newCluster({
    name,
    account: ACCOUNT,
    region: REGION,
    version: '1.31',
    platformVersion: 'eks.12',
    createdAt: START - 864_000_000,
    endpoint: `https://${name.toUpperCase()}.gr7.${REGION}.eks.amazonaws.com`,
    certificateAuthority: `PEM of ${name}`,
    ...parts,
  });
