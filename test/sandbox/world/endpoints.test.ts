import { expect, test } from 'vitest';
import { clusterAt, moveApiServer } from '../../../sandbox/world/endpoints.ts';
import { ACCOUNT, bareCluster, bareWorld, REGION } from '../../../sandbox/build/bare-world.ts';

const clusters = new Map(['dev', 'prod'].map((name) => [`${REGION}/${name}`, bareCluster({ name })]));
const hostOf = (name: string): string => `${name}.gr7.${REGION}.eks.amazonaws.com`;

test('an API server is found by its host, wherever it moves, and after a cluster is added', () => {
  const world = bareWorld({ accounts: new Map([[ACCOUNT, { id: ACCOUNT, roles: new Map(), clusters }]]) });
  const named = (host: string): string | undefined => clusterAt(world, host)?.name;
  expect([named(hostOf('dev')), named(hostOf('PROD')), named('127.0.0.1:1')]).toEqual(['dev', 'prod', undefined]);

  const dev = clusters.get(`${REGION}/dev`)!;
  const { endpoint, certificateAuthority } = dev;
  moveApiServer(world, dev, { endpoint: 'https://127.0.0.1:1', certificateAuthority: 'other' });
  expect([named(hostOf('dev')), named('127.0.0.1:1'), dev.certificateAuthority]).toEqual([undefined, 'dev', 'other']);
  moveApiServer(world, dev, { endpoint, certificateAuthority });
  expect([named(hostOf('dev')), named('127.0.0.1:1')]).toEqual(['dev', undefined]);

  clusters.set(`${REGION}/test`, bareCluster({ name: 'test' }));
  expect(named(hostOf('test'))).toBe('test');
});
