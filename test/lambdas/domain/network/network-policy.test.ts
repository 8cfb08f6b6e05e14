import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PolicySubject } from '../../../../lambdas/domain/network/model.ts';
import { policiesIn, type Reachability, reachability } from '../../../../lambdas/domain/network/reachability.ts';
import { isAllowed, type OraclePolicy } from './oracle.ts';
import { forAll, forAllIn } from '../../../for-all.ts';

const POD: PolicySubject = { namespace: 'shop', serviceAccount: 'api', labels: { app: 'api', tier: 'back' } };
const reach = (specs: unknown[], { ipv6 = false, cilium = false } = {}): Reachability => {
  const policies = specs.map((spec, at) => ({ metadata: { namespace: 'shop', name: `policy-${at}` }, spec }));
  const objects = { 'networkpolicies.networking.k8s.io': policies };
  return reachability(policiesIn({ objects }), POD, { ipv6, cilium });
};
const egress = (...rules: unknown[]): unknown => ({ podSelector: {}, policyTypes: ['Egress'], egress: rules });
const range = (cidr: string, except?: string[]): unknown => ({ ipBlock: { cidr, ...(except ? { except } : {}) } });

describe('a NetworkPolicy', () => {
  const byExpression = (key: string, operator: string, ...values: string[]): object => ({
    podSelector: { matchExpressions: [{ key, operator, values }] },
    policyTypes: ['Egress'],
  });
  it.each<[string, unknown]>([
    ['has no rules for egress', { podSelector: {}, policyTypes: ['Egress'] }],
    ['has an empty list of rules', egress()],
    ['has null instead of rules', { podSelector: {}, policyTypes: ['Ingress', 'Egress'], egress: null }],
    ['names another range', egress({ to: [range('10.0.0.0/8')] })],
    ['excepts the address', egress({ to: [range('0.0.0.0/0', ['169.254.0.0/16'])] })],
    ['names pods and namespaces', egress({ to: [{ podSelector: {} }, { namespaceSelector: {} }] })],
    ['names another port', egress({ ports: [{ port: 443 }] })],
    ['names another protocol', egress({ ports: [{ protocol: 'UDP', port: 80 }] })],
    ['names a port by name', egress({ to: [range('169.254.170.23/32')], ports: [{ port: 'http' }] })],
    ['names a range of ports that ends before', egress({ ports: [{ port: 1, endPort: 79 }] })],
    ['has IPv6 ranges only', egress({ to: [range('::/0')] })],
    ['has no policyTypes, but rules for egress', { podSelector: {}, egress: [{ to: [range('10.0.0.0/8')] }] }],
    ['selects the pod by an expression', byExpression('app', 'In', 'web', 'api')],
  ])('cuts the pod off if it %s', (_, spec) =>
    expect(reach([spec])).toEqual({ cutOff: 'yes', by: ['NetworkPolicy/shop/policy-0'] }),
  );

  it.each<[string, unknown]>([
    ['is for ingress', { podSelector: {}, policyTypes: ['Ingress'], egress: [] }],
    ['has no policyTypes and no rules for egress', { podSelector: {}, ingress: [] }],
    ['allows everything', egress({})],
    ['allows the address', egress({ to: [range('169.254.170.23/32')], ports: [{ protocol: 'TCP', port: 80 }] })],
    ['allows a range with the address', egress({ to: [range('0.0.0.0/0', ['169.254.169.254/32'])] })],
    ['allows it in its second rule', egress({ to: [range('10.0.0.0/8')] }, { ports: [{ port: 1, endPort: 1024 }] })],
    ['allows all ports of TCP', egress({ ports: [{}] })],
    ['has empty lists of peers and ports', egress({ to: [], ports: [] })],
    ['selects other pods', { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Egress'] }],
    ['excludes the pod by an expression', byExpression('tier', 'NotIn', 'back')],
  ])('leaves the pod alone if it %s', (_, spec) => expect(reach([spec])).toEqual({ cutOff: 'no', by: [] }));

  it('counts together with the others: one that allows is enough', () => {
    const deny = { podSelector: {}, policyTypes: ['Egress'] };
    expect(reach([deny, egress({ to: [range('169.254.170.23/32')] })]).cutOff).toBe('no');
    const by = ['NetworkPolicy/shop/policy-0', 'NetworkPolicy/shop/policy-1'];
    expect(reach([deny, egress({ to: [range('10.0.0.0/8')] })]).by).toEqual(by);
  });

  it('is read for the IPv6 address in an IPv6 cluster', () => {
    expect(reach([egress({ to: [range('fd00:ec2::23/128')] })], { ipv6: true }).cutOff).toBe('no');
    expect(reach([egress({ to: [range('0.0.0.0/0')] })], { ipv6: true }).cutOff).toBe('yes');
  });

  it('does not decide by ranges where Cilium enforces it, but by ports alone', () => {
    expect(reach([egress({ to: [range('0.0.0.0/0')] })], { cilium: true }).cutOff).toBe('unknown');
    expect(reach([egress({ to: [range('10.0.0.0/8')] })], { cilium: true }).cutOff).toBe('yes');
    expect(reach([egress({ ports: [{ port: 80 }] })], { cilium: true }).cutOff).toBe('no');
  });

  it('that cannot be read is undecided', () => {
    for (const spec of [undefined, { egress: 1 }, { podSelector: { matchExpressions: [{}] } }])
      expect(reach([spec]).cutOff).toBe('unknown');
    const strange = { matchExpressions: [{ key: 'app', operator: 'Gt', values: ['1'] }] };
    expect(reach([{ podSelector: strange, policyTypes: ['Egress'] }]).cutOff).toBe('unknown');
  });

  it('of another namespace is no policy for the pod', () => {
    const policies = policiesIn({
      objects: {
        'networkpolicies.networking.k8s.io': [
          { metadata: { namespace: 'other', name: 'x' }, spec: { podSelector: {}, policyTypes: ['Egress'] } },
        ],
      },
    });
    expect(reachability(policies, POD, { ipv6: false, cilium: false }).cutOff).toBe('no');
  });
});

const cidr = fc.constantFrom(
  '0.0.0.0/0',
  '169.254.0.0/16',
  '169.254.170.23/32',
  '169.254.169.254/32',
  '10.0.0.0/8',
  '169.254.170.0/27',
);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const given = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;
const label = fc.constantFrom('app', 'tier', 'toString');
const value = fc.constantFrom('api', 'back', 'web');
const peer = fc.oneof(
  fc.record({ ipBlock: fc.record({ cidr, except: optional(fc.array(cidr, { maxLength: 2 })) }).map(given) }),
  fc.constantFrom({ podSelector: {} }, { namespaceSelector: {} }),
);
const port = fc
  .record({
    protocol: optional(fc.constantFrom('TCP', 'UDP')),
    port: optional(fc.oneof(fc.constantFrom<number | string>(1, 79, 80, 81, 'http', '80'))),
    endPort: optional(fc.constantFrom(79, 80, 8080)),
  })
  .map(({ endPort, ...one }) =>
    given(typeof one.port === 'number' && endPort !== undefined && endPort >= one.port ? { ...one, endPort } : one),
  );
const rule = fc
  .record({ to: optional(fc.array(peer, { maxLength: 3 })), ports: optional(fc.array(port, { maxLength: 3 })) })
  .map(given);
const policy = fc
  .record({
    podSelector: fc
      .record({
        matchLabels: optional(fc.dictionary(label, value, { maxKeys: 2 })),
        matchExpressions: optional(
          fc.array(
            fc.record({
              key: label,
              operator: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist'),
              values: fc.array(value, { maxLength: 2 }),
            }),
            { maxLength: 2 },
          ),
        ),
      })
      .map(given),
    policyTypes: fc.constantFrom(undefined, ['Ingress'], ['Egress'], ['Ingress', 'Egress']),
    egress: optional(fc.array(rule, { maxLength: 3 })),
  })
  .map((spec) => ({ spec: given(spec) }) as unknown as OraclePolicy);

it('a namespace with a thousand policies and a thousand pods is evaluated within seconds', () => {
  const rules = Array.from({ length: 20 }, () => ({ to: [range('10.0.0.0/8')], ports: [{ port: 443 }] }));
  const policies = policiesIn({
    objects: {
      'networkpolicies.networking.k8s.io': Array.from({ length: 1000 }, (_, at) => ({
        metadata: { namespace: 'shop', name: `policy-${at}` },
        spec: { podSelector: { matchLabels: { app: `app-${at}` } }, policyTypes: ['Egress'], egress: rules },
      })),
    },
  });
  const before = process.cpuUsage().user;
  for (let at = 0; at < 1000; at += 1)
    reachability(policies, { ...POD, labels: { app: `app-${at}` } }, { ipv6: false, cilium: false });
  expect((process.cpuUsage().user - before) / 1e6).toBeLessThan(15);
});

describe('the evaluation', () => {
  it('agrees with the API reference, as another reads it', () => {
    const labels = { app: 'api', tier: 'back' };
    const seen = { yes: 0, no: 0, unknown: 0 };
    forAllIn(2000, fc.array(policy, { maxLength: 3 }), (policies) => {
      const found = reach(policies.map(({ spec }) => spec));
      seen[found.cutOff] += 1;
      expect(found.cutOff).toBe(isAllowed(policies, labels, '169.254.170.23') ? 'no' : 'yes');
      expect(found.by.length > 0).toBe(found.cutOff !== 'no');
    });
    expect(seen.yes).toBeGreaterThan(100);
    expect(seen.no).toBeGreaterThan(100);
    expect(seen.unknown).toBe(0);
  });

  it('is opened by the rule of the documentation, and never cut off by one more rule', () => {
    const agent = { to: [range('169.254.170.23/32')], ports: [{ protocol: 'TCP', port: 80 }] };
    forAll(fc.array(policy, { minLength: 1, maxLength: 3 }), (policies) => {
      const specs = policies.map(({ spec }) => spec);
      expect(reach([...specs, egress(agent)]).cutOff).toBe('no');
    });
  });

  it('never throws, whatever the objects are', () => {
    const objects = fc.array(fc.jsonValue({ maxDepth: 4 }));
    const specs = fc.record({
      metadata: fc.record({ name: fc.string(), namespace: fc.string() }),
      spec: fc.jsonValue(),
    });
    forAll(fc.oneof(objects, fc.array(specs)), fc.boolean(), (all, cilium) => {
      const of = {
        'networkpolicies.networking.k8s.io': all,
        'ciliumnetworkpolicies.cilium.io': all,
        'ciliumclusterwidenetworkpolicies.cilium.io': all,
      };
      expect(['yes', 'no', 'unknown']).toContain(
        reachability(policiesIn({ objects: of }), POD, { ipv6: false, cilium }).cutOff,
      );
    });
  });
});
