/**
 * What a plan says of a cluster without the Pod Identity agent: who asked for it gets it installed, and only where
 * nobody runs one.
 */
import { describe, expect, it } from 'vitest';
import type { MigrationRequestInput } from '../../../../lambdas/domain/request/request.ts';
import type { Plan } from '../../../../lambdas/domain/record/plan.ts';
import {
  AGENT_LEFT_INSTALLED,
  agentLeftInstalled,
  isAgentReady,
} from '../../../../lambdas/domain/plan/agent-install.ts';
import type { Node } from '../../../../lambdas/domain/kubernetes/objects.ts';
import type { AddonFacts as Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { blockingChecks, planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { aCluster, agentDaemonSet, anAgentAddon, aMigratedAddon, aNode } from '../../eks-fixtures.ts';
import { aRequest, someFacts, trusting, ROLE, target, irsaStatement, policyText } from '../../fixtures.ts';
import { said, containing, matching } from '../../matchers.ts';

const offered = (version: string, isDefault: boolean) => {
  return { version, default: isDefault, requiresIamPermissions: false };
};
const NO_AGENT = { agentAddon: undefined, agentWorkload: undefined };
const OFFERED = [
  offered('v1.3.8-eksbuild.2', false),
  offered('v1.3.4-eksbuild.1', true),
  offered('v1.2.0-eksbuild.1', false),
];
const UNSEEN = { pods: undefined, workloads: undefined, kubernetesError: 'HTTP 403' };

/** Of a cluster in which nobody can see an agent. */
const planOf = (request: Partial<MigrationRequestInput>, change: Partial<Facts> = {}): Plan =>
  planMigration(someFacts({ ...NO_AGENT, agentOffered: OFFERED, ...change, request: aRequest(request) }));
const agentCheck = ({ checks }: Plan) => checks.find(({ id }) => id === 'agent');
const stepNames = ({ steps }: Plan): string[] => steps.map(({ name }) => name);

describe('a cluster without the Pod Identity agent', () => {
  it('blocks by default, and says by what it would be installed', () => {
    const plan = planOf({});
    expect(blockingChecks(plan)).toEqual(['agent']);
    expect(agentCheck(plan)).toMatchObject({
      status: 'fail',
      remedy: matching(
        /^Add --agent install, .*aws eks create-addon --region eu-west-1 --cluster-name dev --addon-name eks-pod-identity-agent$/,
      ),
    });
    expect(plan.installAgent).toBeUndefined();
  });

  it('gets the version that EKS offers as its default, not the newest, before anything else changes', () => {
    const plan = planOf(
      { agent: 'install', trust: 'repair' },
      { repairableRoleArns: [ROLE], roles: trusting(policyText(irsaStatement)) },
    );
    expect(plan).toMatchObject({ verdict: 'migrate', installAgent: { version: 'v1.3.4-eksbuild.1' } });
    expect(agentCheck(plan)).toEqual({
      id: 'agent',
      status: 'pass',
      message:
        "The Pod Identity agent is not installed in cluster dev: add-on eks-pod-identity-agent v1.3.4-eksbuild.1, EKS's default for Kubernetes 1.31, will be installed before anything else changes, and stays.",
    });
    expect(stepNames(plan).slice(0, 3)).toEqual(['begin', 'install-agent', 'repair-trust']);
    expect(plan.steps[1]).toMatchObject({
      what: containing('eks-pod-identity-agent v1.3.4-eksbuild.1'),
      calls: ['eks:CreateAddon (eks-pod-identity-agent)'],
      disruption: 'none',
      undo: containing('stays installed'),
    });
  });

  it('is bound to that version by the hash', () => {
    const version = (one: string): string => planOf({ agent: 'install' }, { agentOffered: [offered(one, true)] }).hash;
    expect(version('v1.3.4-eksbuild.1')).toBe(version('v1.3.4-eksbuild.1'));
    expect(version('v1.3.4-eksbuild.1')).not.toBe(version('v1.3.8-eksbuild.2'));
  });

  it.each<[string, Partial<Facts>]>([
    ['none', { agentOffered: [] }],
    ['none as its default', { agentOffered: [offered('v1.3.8-eksbuild.2', false)] }],
    ['nothing that was read', { agentOffered: undefined }],
  ])('blocks where EKS offers %s', (_, change) => {
    const plan = planOf({ agent: 'install' }, change);
    expect(blockingChecks(plan)).toEqual(['agent']);
    expect(agentCheck(plan)).toMatchObject(
      said(
        'fail',
        /offers no version .* as the default for Kubernetes 1\.31\.$/,
        'describe-addon-versions --region eu-west-1 --addon-name eks-pod-identity-agent --kubernetes-version 1.31',
      ),
    );
    expect(plan.installAgent).toBeUndefined();
  });

  it.each<[string, Partial<Node>, Plan['verdict']]>([
    ['blocks where an instance does not respond, since the agent would never be ready there', {}, 'blocked'],
    ['is installed without regard to nodes of AWS Fargate', { compute: 'fargate' }, 'migrate'],
    ['is installed without regard to nodes on which it cannot run', { os: 'windows' }, 'migrate'],
  ])('%s', (_, change, verdict) => {
    const nodes = { seen: [aNode(), aNode({ name: 'node-2', ready: false, ...change })] };
    const plan = planOf({ agent: 'install' }, { nodes });
    expect([plan.verdict, plan.installAgent !== undefined]).toEqual([verdict, verdict === 'migrate']);
    if (verdict === 'migrate') return;
    expect(agentCheck(plan)).toMatchObject(said('fail', /a node that is not ready: node-2\./, 'kubectl get nodes'));
  });

  it('names nothing to install where another check blocks, or where there is nothing to do', () => {
    const blocked = planOf({ agent: 'install' }, { roles: { [ROLE]: undefined } });
    expect([blocked.verdict, blocked.installAgent, blocked.steps]).toEqual(['blocked', undefined, []]);
    const moved = planOf({ agent: 'install' }, { addon: aMigratedAddon(['arn']) });
    expect([moved.verdict, moved.installAgent]).toEqual(['already-migrated', undefined]);
  });
});

describe('if DaemonSets may not be read', () => {
  it('nothing is installed: it is not known', () => {
    const plan = planOf({ agent: 'install' }, UNSEEN);
    expect(agentCheck(plan)).toMatchObject(
      said('unknown', /whether a self-managed agent runs there could not be read: HTTP 403/, 'kubernetes-access'),
    );
    expect([plan.verdict, plan.installAgent]).toEqual(['blocked', undefined]);
  });

  it('the agent is installed with a warning if the request accepts the information from the EKS API', () => {
    const plan = planOf({ agent: 'install', verification: 'api' }, UNSEEN);
    expect(agentCheck(plan)).toMatchObject(
      said(
        'warn',
        /as far as EKS reports: .*v1\.3\.4-eksbuild\.1.*the installation fails if fields differ/,
        'kubectl -n kube-system get daemonset eks-pod-identity-agent',
      ),
    );
  });
});

describe('an agent that is there', () => {
  it.each<[string, Partial<Facts>, RegExp]>([
    ['built into Auto Mode', { cluster: aCluster({ autoMode: true }) }, /Auto Mode has .* agent built in/],
    ['installed without EKS', { agentWorkload: agentDaemonSet() }, /ready on 2 of 2 nodes/],
    ["EKS's", { agentAddon: anAgentAddon() }, /is ACTIVE/],
  ])('is never installed once more: %s', (_, change, message) => {
    const plan = planOf({ agent: 'install' }, change);
    expect(agentCheck(plan)).toMatchObject(said('pass', message));
    expect([plan.verdict, plan.installAgent]).toEqual(['migrate', undefined]);
    expect(stepNames(plan)).not.toContain('install-agent');
  });

  it.each<[string, Partial<Facts>, RegExp]>([
    ['an add-on that is DEGRADED', { agentAddon: anAgentAddon({ status: 'DEGRADED' }) }, /is DEGRADED, not ACTIVE/],
    ['one that was not created', { agentAddon: anAgentAddon({ status: 'CREATE_FAILED' }) }, /is CREATE_FAILED, not/],
    ['installed without EKS, not ready on a node', { agentWorkload: agentDaemonSet({ ready: 1 }) }, /on 1 of 2 nodes/],
  ])('blocks where it is unhealthy, and is not repaired by an install: %s', (_, change, message) => {
    const plan = planOf({ agent: 'install' }, change);
    expect([agentCheck(plan), blockingChecks(plan)]).toMatchObject([said('fail', message), ['agent']]);
    expect(plan.installAgent).toBeUndefined();
  });
});

it.each([
  [2, 2, true],
  [2, 1, false],
  [0, 0, false],
])('isAgentReady of %i nodes, ready on %i: %s', (desired, ready, expected) =>
  expect(isAgentReady({ desired, ready })).toBe(expected),
);

it('the warning that it stays says what, where, by whom, and how it could be removed', () => {
  const warning = agentLeftInstalled(target, 'v1.3.4-eksbuild.1', 'by this migration');
  expect(warning).toMatchObject({
    id: AGENT_LEFT_INSTALLED,
    status: 'warn',
    message: matching(
      /^Add-on eks-pod-identity-agent v1\.3\.4-eksbuild\.1 was installed in cluster dev by this migration\. It stays installed/,
    ),
  });
  expect(warning.remedy).toMatch(
    /aws eks delete-addon --region eu-west-1 --cluster-name dev --addon-name eks-pod-identity-agent$/,
  );
});
