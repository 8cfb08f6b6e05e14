import { describe, expect, it } from 'vitest';
import type { Container } from '../../../../lambdas/domain/kubernetes/objects.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { AddonFacts as Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { checkProxy } from '../../../../lambdas/domain/plan/preflight-pods.ts';
import { aCluster, aContainer, aPod, aWorkload, planned, someFacts } from '../../fixtures.ts';
import { only, said } from '../../matchers.ts';

const PLANNED = [planned];
/** The controller's template has that container, its pods what the webhook made of it. */
const withContainer = (change: Partial<Container>, facts: Partial<Facts> = {}): Facts =>
  someFacts({
    pods: [aPod('irsa')],
    workloads: [aWorkload({ containers: [aContainer(), aContainer({ name: 'sidecar', ...change })] })],
    ...facts,
  });

describe('proxy', () => {
  const check = (env: Container['env'], facts: Partial<Facts> = {}): Check[] =>
    checkProxy(withContainer({ env }, facts), PLANNED);
  const PROXY = { HTTP_PROXY: 'http://proxy:3128' };

  it('is no check where nobody has set one', () => {
    expect([check({}), check({ HTTP_PROXY: '' })]).toMatchObject([[], [{ status: 'pass' }]]);
    expect(checkProxy(someFacts({ pods: undefined, workloads: undefined }), PLANNED)).toEqual([]);
  });
  it.each(['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'])(
    'warns of %s without the agent in NO_PROXY, with the exact value',
    (name) => {
      const found = only(check({ [name]: 'http://proxy:3128', NO_PROXY: 'localhost,10.0.0.0/8,.svc' }));
      const why = '169.254.170.23 in container sidecar of Deployment ebs-csi-controller';
      const remedy = '169.254.170.23,[fd00:ec2::23],fd00:ec2::23';
      expect(found).toMatchObject({ id: 'proxy', ...said('warn', why, remedy) });
      // Go's SDK asks the proxy for the agent, so that the container needs an accept; it does not read the other variables.
      const isReadByGo = name.toUpperCase() === 'HTTP_PROXY';
      const { verdict } = planMigration(withContainer({ env: { [name]: PROXY.HTTP_PROXY } }));
      expect(verdict).toBe(isReadByGo ? 'blocked' : 'migrate');
    },
  );
  it.each(['169.254.170.23', 'localhost, 169.254.170.23', '169.254.0.0/16', '*', '169.254.170.23:80'])(
    'passes with NO_PROXY %s',
    (NO_PROXY) => {
      expect(only(check({ ...PROXY, NO_PROXY })).status).toBe('pass');
      expect(only(check({ ...PROXY, no_proxy: NO_PROXY })).status).toBe('pass');
    },
  );
  it.each(['169.254.169.254', '169.254.170.2', '1169.254.170.23', '10.0.0.0/8 169.254.170.23', ''])(
    'warns with NO_PROXY %j',
    (NO_PROXY) => expect(only(check({ ...PROXY, NO_PROXY })).status).toBe('warn'),
  );
  it('wants the address in NO_PROXY and no_proxy if both are set, since programs differ in which one they read', () => {
    const of = (NO_PROXY: string, no_proxy: string): string => only(check({ ...PROXY, NO_PROXY, no_proxy })).status;
    expect([of('169.254.170.23', 'localhost'), of('localhost', '169.254.170.23')]).toEqual(['warn', 'warn']);
    expect([of('', '169.254.170.23'), of('169.254.0.0/16', '169.254.170.23')]).toEqual(['pass', 'pass']);
  });
  it('wants the IPv6 address too where pods have such', () => {
    const cluster = { cluster: aCluster({ ipv6: true }) };
    const with6 = (...addresses: string[]) =>
      only(check({ ...PROXY, NO_PROXY: ['169.254.170.23', ...addresses].join(',') }, cluster));
    expect(with6()).toMatchObject(said('warn', 'lacks fd00:ec2::23'));
    for (const addresses of [['[fd00:ec2::23]', 'fd00:ec2::23'], ['[fd00:ec2::23]:80'], ['fd00:ec2::/32']])
      expect(with6(...addresses).status).toBe('pass');
  });
});
