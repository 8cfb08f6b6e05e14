/**
 * The configuration values of an installed add-on are untrusted text: carried unchanged, never evaluated, never shown.
 */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { ADDON } from '../end-to-end/fixture.ts';
import {
  changesIn,
  type HostileWorld,
  hostileScenario,
  inHostileWorld,
  SECRET,
  SERVICE_ACCOUNT,
  stateOf,
} from './hostile.ts';
import { containing } from '../lambdas/matchers.ts';

/** Accepted by the schema: the value of an annotation is any text. */
const annotated = (value: string): string => JSON.stringify({ controller: { podAnnotations: { team: value } } });

const withConfiguration = <T>(raw: string, work: (world: HostileWorld) => Promise<T>): Promise<T> =>
  inHostileWorld({ scenario: hostileScenario() }, (world) => {
    world.cluster.addons.get(ADDON)!.configurationValues = raw;
    return work(world);
  });

/** Returns the logs and the histories, without the calls: calls to EKS and the ledger must carry the values. */
async function loggedIn(world: HostileWorld): Promise<string> {
  const { calls } = world.backend.sandbox.world.log;
  const kept = calls.splice(0);
  const written = await world.written();
  calls.splice(0, calls.length, ...kept);
  return written;
}

/** Asserts that a migration succeeds, leaves the values as they are, and logs nothing of them. */
const expectKept = async (world: HostileWorld, raw: string, request: Record<string, unknown>): Promise<void> => {
  expect((await world.ask(request)).cause).toBeUndefined();
  expect(world.cluster.addons.get(ADDON)!.configurationValues).toBe(raw);
  expect(await loggedIn(world)).not.toContain(SECRET);
};

const ACCEPTED: [string, string][] = [
  ['a JSONata expression', annotated(`{% $eval("${SECRET}") %}`)],
  ['an expression that never ends', annotated(`{% ($f := function($x){$f($x)}; $f("${SECRET}")) %}`)],
  [
    'a template of CloudFormation and of a shell',
    annotated(`\${AWS::AccountId} \${${SECRET}} $(touch /tmp/${SECRET}) \`id\``),
  ],
  ["quotes, line breaks and a terminal's commands", annotated(`'"'"'; rm -rf / #\n\u001b[2J${SECRET}\\`)],
  [
    'YAML with a comment and trailing blanks',
    `# ${SECRET}\ncontroller:\n  podAnnotations: {team: "it's ${SECRET}"}   \n\n`,
  ],
  ['a number that no computer keeps', `{"controller":{"podAnnotations":{"team":"${SECRET}"},"replicaCount":2.0}}`],
];

it.each(ACCEPTED)(
  'values that the schema accepts %s: the add-on is created again with exactly the same text',
  (_, raw) =>
    withConfiguration(raw, async (world) => {
      await expectKept(world, raw, { strategy: 'recreate', preserve: true });
      const { pods } = world.readAddon(ADDON, SERVICE_ACCOUNT) as { pods: string[] };
      expect(new Set(pods)).toEqual(new Set(['pod-identity']));
    }),
);

const bomb = [
  `secret: &a0 ["${SECRET}", "${SECRET}"]`,
  ...Array.from(
    { length: 12 },
    (_, index) => `b${index}: &a${index + 1} [${Array.from({ length: 10 }, () => `*a${index}`).join(', ')}]`,
  ),
].join('\n');
const REFUSED: [string, string][] = [
  ['a key __proto__', `{"__proto__":{"polluted":"${SECRET}"},"controller":{"__proto__":{"polluted":1}}}`],
  ['aliases of aliases of aliases', bomb],
  ['an alias of itself', `a: &a [*a, "${SECRET}"]`],
  ['seventy kilobytes', JSON.stringify({ nothing: `${SECRET}${'x'.repeat(70_000)}` })],
  ['a thousand levels', `${'{"a":'.repeat(1000)}"${SECRET}"${'}'.repeat(1000)}`],
  ['what is neither JSON nor YAML', `{"a": "${SECRET}", [}`],
  ['a YAML tag that creates functions', `a: !!js/function "return '${SECRET}'"`],
];

describe('values that the schema does not accept', () => {
  it.each(REFUSED)(
    '%s: the add-on is not deleted, because it could not be created again; the check reports the location, not the value',
    async (_, raw) => {
      const cpuBefore = process.cpuUsage();
      await withConfiguration(raw, async (world) => {
        const before = stateOf(world);
        const execution = await world.ask({ strategy: 'recreate' });
        expect(execution).toMatchObject({ status: 'FAILED', error: 'Blocked', cause: containing('configuration') });
        expect([stateOf(world), changesIn(world)]).toEqual([before, []]);
        expect(await loggedIn(world)).not.toContain(SECRET);
        const { addon, ...plan } = (await world.record(execution.name))!.plan!;
        expect(addon?.configurationValues).toBe(raw);
        expect(JSON.stringify(plan)).not.toContain(SECRET);
      });
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
      // Far above the usual time, far below that of a decompression bomb; measured as processor time, so that a busy
      // machine does not matter.
      const { user, system } = process.cpuUsage(cpuBefore);
      expect((user + system) / 1e6).toBeLessThan(15);
    },
  );

  it.each(REFUSED)('%s: in place the values stay as they are, and are not parsed', (_, raw) =>
    withConfiguration(raw, (world) => expectKept(world, raw, { strategy: 'in-place' })),
  );
});

it('the commands for a person pass them through a shell unchanged, and the shell runs no part of them', async () => {
  const [, , , [, raw]] = ACCEPTED as [unknown, unknown, unknown, [string, string]];
  const restoreCommands = await withConfiguration(raw, async (world) => {
    world.backend.sandbox.world.faults.add({ operation: 'CreateAddon', kind: 'not-found', times: 'all' });
    const { error, name } = await world.ask({ strategy: 'recreate' });
    expect(error).toBe('NeedsHuman');
    expect(await loggedIn(world)).not.toContain(SECRET);
    return (await world.record(name))!.restoreCommands;
  });
  // Programs that only print their arguments, each word ended by a NUL.
  const script = `aws() { printf '%s\\0' "$@"; }\nkubectl() { :; }\npod-identity() { :; }\nsleep() { :; }\n${restoreCommands.join('\n')}\n`;
  const words = execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\0');
  expect(words).toContain('create-addon');
  expect(words[words.indexOf('--configuration-values') + 1]).toBe(raw);
});

it('a session policy of an association stays as it is, and is not logged', async () => {
  const Resource = `arn:aws:s3:::${SECRET.toLowerCase()}/*`;
  const statement = { Sid: SECRET.replaceAll('-', ''), Effect: 'Allow', Action: 's3:GetObject', Resource };
  const policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  const scenario = hostileScenario(
    (_, cluster) => void Object.assign(cluster.associations[0]!, { policy, disableSessionTags: true }),
  );
  await inHostileWorld({ scenario }, async (world) => {
    // An add-on's association would be created without it.
    expect((await world.ask()).error).toBe('Blocked');
    const associations = [...world.cluster.associations.values()].filter((one) => one.deletedUntil === undefined);
    expect(associations.map((one) => one.policy)).toEqual([policy]);
    expect((await loggedIn(world)).toLowerCase()).not.toContain(SECRET.toLowerCase());
  });
});
