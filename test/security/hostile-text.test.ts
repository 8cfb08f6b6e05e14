/**
 * A world full of texts that would control or deceive a reader's terminal or browser: no output contains their
 * characters unescaped, and a rollback restores the texts unchanged.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { PLAIN } from '../../cli/text/style.ts';
import { summary } from '../../cli/print/summary.ts';
import { fromAws } from '../../lambdas/adapters/aws-errors.ts';
import { toAddon } from '../../lambdas/adapters/aws-eks-shapes.ts';
import { KubernetesApi } from '../../lambdas/adapters/kubernetes-api.ts';
import { pod } from '../../lambdas/adapters/kubernetes-objects.ts';
import { fail } from '../../lambdas/domain/terms/check.ts';
import { jsonText } from '../../lambdas/domain/text/text.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { words } from '../cli/fixtures.ts';
import { inApiWorld, MINUTES } from '../end-to-end/api-world.ts';
import { ADDON, scenarioWith, TARGET } from '../end-to-end/fixture.ts';
import type { OpenWorld } from '../end-to-end/world.ts';
import { scratchDirectory } from '../scratch.ts';
import { runProgram } from '../cli/run-program.ts';

/**
 * Characters that AWS, API servers and policies may deliver: terminal commands, direction marks, and invisible
 * characters.
 */
const HIDDEN = 'x\u001b[2J\u0007\u009b31m\u202e\u2066\u200b\u200d\u00ad\u3164\u115f\u1160\uffa0\ufe0f\u{e0041}\u2028y';
/** Characters that the texts of a request may contain: none ends a line or changes its direction. */
const INVISIBLE = 'why\u200b\u200d\u2060\u00ad\u3164\u115f\uffa0\ufe0f\u{e0041}';
const UNSHOWN = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

const expectShown = (text: string): void => {
  const at = text.search(UNSHOWN);
  if (at >= 0) expect(JSON.stringify(text.slice(Math.max(0, at - 200), at + 50))).toBe('a text without it');
};
const textsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.entries(value).flat().flatMap(textsIn) : [];
};

const configuration = JSON.stringify({ controller: { podAnnotations: { team: HIDDEN } } });
/** Puts the text wherever AWS would accept text in a scenario. */
const makeHostile = ({ accounts }: Scenario): void => {
  const [{ roles, clusters } = { roles: [], clusters: [] }] = accounts;
  for (const role of roles) {
    role.tags[HIDDEN] = HIDDEN;
    const { Statement: statements } = role.trustPolicy as { Statement: object[] };
    statements.push({
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111122223333:root' },
      Action: 'sts:AssumeRole',
      Condition: { StringEquals: { 'aws:PrincipalTag/team': HIDDEN } },
    });
  }
  for (const cluster of clusters) {
    cluster.tags = { ...cluster.tags, team: HIDDEN };
    for (const addon of cluster.addons) {
      addon.tags = { ...addon.tags, [HIDDEN]: HIDDEN };
      if (addon.name === ADDON) addon.configurationValues = configuration;
    }
    for (const association of cluster.associations) association.tags = { ...association.tags, team: HIDDEN };
  }
};

/**
 * Texts that only a dishonest API server or EKS could return: they are inserted at each call, because controllers would
 * correct them.
 */
const keepLying = ({ backend, cluster }: OpenWorld): void => {
  backend.sandbox.world.log.onCall(() => {
    for (const addon of cluster.addons.values())
      for (const issue of addon.issues) Object.assign(issue, { message: HIDDEN, resourceIds: [HIDDEN] });
    for (const kind of ['pods.', 'serviceaccounts.', 'deployments.apps', 'daemonsets.apps'])
      for (const { metadata } of cluster.kube.objects.get(kind)?.values() ?? [])
        metadata.annotations = { ...metadata.annotations, [HIDDEN]: HIDDEN };
    for (const { kind, metadata } of cluster.kube.objects.get('serviceaccounts.')?.values() ?? []) {
      const entries = kind === 'ServiceAccount' ? cluster.kube.managedFields.get(metadata.uid) : undefined;
      if (Array.isArray(entries)) for (const entry of entries as { manager: string }[]) entry.manager = HIDDEN;
    }
  });
};

describe('a world full of hostile texts', () => {
  it('is escaped in the API, events, notifications, logs, and the report of the command line', async () =>
    inApiWorld({ change: makeHostile, knobs: { createEndsIn: 'CREATE_FAILED' } }, async ({ world, sandbox, ann }) => {
      keepLying(world);
      const body = { target: TARGET, addon: ADDON, strategy: 'recreate', reason: INVISIBLE };
      const planned = await ann.plan(body);
      const id = await ann.migrate(body);
      await world.rest();
      await world.later(3 * MINUTES);
      const report = await world.report(id);
      expect(report.outcome).toBe('needs-human');
      await ann.shownPlan(planned);
      await ann.shown(id);
      await ann.ask('GET', `/migrations/${id}?${encodeURIComponent(HIDDEN)}=1`);
      await ann.ask('GET', `/${encodeURIComponent(INVISIBLE)}`);
      await ann.ask('GET', `/identities?account=${TARGET.account}&region=${TARGET.region}&cluster=${TARGET.cluster}`);
      for (const { text } of ann.heard) expectShown(text);
      // The same data for consumers that parse it.
      expect(ann.heard.map(({ text }) => text).join('\n')).toContain('\\u200b');
      expect(textsIn(ann.heard.map(({ text }) => JSON.parse(text) as unknown))).toContain(HIDDEN);

      const { notifications, events } = sandbox.world;
      expect(notifications.length).toBeGreaterThan(0);
      for (const text of textsIn(notifications)) expectShown(text);
      expect(textsIn(notifications).join('\n')).toContain('\\u200b');
      for (const { detail } of events) {
        const { title, message, lines, warnings, failure, restoreCommands } = detail as Record<string, unknown>;
        for (const text of textsIn([title, message, lines, warnings, failure, restoreCommands])) expectShown(text);
      }
      for (const text of textsIn(sandbox.logs())) expectShown(text);

      // Checked in front of everything that guards a terminal.
      for (const line of summary(report, PLAIN)) expectShown(line);
      expect(summary(report, PLAIN).join('\n')).toContain('health-at-end');
      expectShown(report.restoreCommands.join('\n'));
      expectShown(jsonText(report, 2));
      // The ledger has the texts to restore unchanged.
      expect((await world.backend.ledger.getSnapshot(id))?.addon).toMatchObject({
        configurationValues: configuration,
        tags: { [HIDDEN]: HIDDEN },
      });
    }));

  it('contains the texts of errors, of refusals and answers of API servers, and of checks', async () => {
    expectShown(fromAws('eks:DescribeAddon', new Error(HIDDEN)).message);
    const issues = [{ code: 'ClusterUnreachable' as const, message: HIDDEN, resourceIds: [HIDDEN] }];
    const addon = { addonName: ADDON, addonArn: 'arn', addonVersion: 'v1', status: 'DEGRADED' as const };
    const kept = { configurationValues: HIDDEN, tags: { team: HIDDEN } };
    const seen = toAddon({ ...addon, ...kept, health: { issues } });
    for (const text of textsIn(seen.issues)) expectShown(text);
    expect(seen).toMatchObject(kept);
    const check = fail('id', HIDDEN, HIDDEN);
    for (const text of textsIn(check)) expectShown(text);
    const answers = [
      { status: 403, body: JSON.stringify({ message: HIDDEN }) },
      { status: 500, body: HIDDEN },
      { status: 200, body: JSON.stringify({ metadata: HIDDEN }) },
    ];
    for (const answer of answers) {
      const api = new KubernetesApi({
        cluster: 'dev',
        http: async () => ({ ...answer, headers: {} }),
        endpoint: async () => ({ url: 'https://example.com' }),
        token: async () => 'k8s-token',
      });
      const error: unknown = await api.call({ what: 'look', method: 'GET', path: '/' }, pod).catch((thrown) => thrown);
      expect(error).toBeInstanceOf(Error);
      expectShown((error as Error).message);
    }
    const names = { name: HIDDEN, namespace: HIDDEN, uid: HIDDEN };
    const metadata = { ...names, creationTimestamp: '', labels: { [HIDDEN]: HIDDEN } };
    const container = { name: HIDDEN, image: HIDDEN, env: [{ name: HIDDEN, value: HIDDEN }] };
    for (const text of textsIn(pod.parse({ metadata, spec: { nodeName: HIDDEN, containers: [container] } })))
      expectShown(text);
  });
});

describe('the command line over a world full of hostile texts', () => {
  const directory = scratchDirectory();
  let scenario: string;
  beforeAll(() => {
    scenario = join(directory, 'scenario.json');
    writeFileSync(scenario, JSON.stringify(scenarioWith(makeHostile)));
  });
  const WHERE = ['--cluster', TARGET.cluster];

  it.each<[string, string[], boolean]>([
    ['a plan', ['migrate', ...WHERE, '--addon', ADDON, '--dry-run', '--reason', INVISIBLE], false],
    ['a plan as JSON', ['migrate', ...WHERE, '--addon', ADDON, '--dry-run', '--json'], true],
    ['a migration', ['migrate', ...WHERE, '--addon', ADDON, '--strategy', 'recreate'], false],
    ['identities', ['identities', ...WHERE, '--roles'], false],
    ['identities as JSON', ['identities', ...WHERE, '--roles', '--json'], false],
    ['an error about a name', ['migrate', '--cluster', HIDDEN, '--addon', HIDDEN], true],
    ['an error as JSON', ['show', HIDDEN, '--json'], false],
    ['an unknown command', [HIDDEN], false],
  ])('prints %s with each text escaped', async (_, typed, hasSome) => {
    const { out, err } = await runProgram(...typed, '--sandbox', scenario);
    expect(out + err).not.toBe('');
    for (const text of [out, err]) expectShown(text);
    expect(/\\(?:u200b|x1b|u001b)/.test(out + err) || !hasSome).toBe(true);
  });

  it('writes the reports of a sweep with each text escaped', async () => {
    const files = ['html', 'csv', 'json'].map((format) => join(directory, `report.${format}`));
    const { out, err } = await runProgram(
      ...words`sweep --mode plan --sandbox ${scenario} --reason ${INVISIBLE}`,
      ...files.flatMap((file) => ['--report', file]),
    );
    for (const text of [out, err]) expectShown(text);
    const texts = files.map((file) => readFileSync(file, 'utf8'));
    for (const text of texts) expectShown(text.replaceAll('\r\n', '\n'));
    expect(texts[0]).toContain('\\u200b');
  });
});
