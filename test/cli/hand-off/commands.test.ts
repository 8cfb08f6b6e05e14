/** The commands end to end, in a kept sandbox: before and after a migration, its rollback and its retirement. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { HAND_OFF_FORMATS, handOff as handOffSchema } from '../../../lambdas/domain/terms/hand-off.ts';
import { SCENARIO } from '../../end-to-end/fixture.ts';
import { keptWorld } from '../kept-world.ts';
import { runProgram as run } from '../run-program.ts';
import { words } from '../fixtures.ts';
import { containing, matching, printing } from '../../lambdas/matchers.ts';

const ADDON = ['--cluster', 'reliability-dev', '--addon', 'aws-ebs-csi-driver'];
const PROGRAM = 'npm run --silent pod-identity --';
const world = keptWorld();

const migrate = (): Promise<{ migrationId: string }> => world.begin('migrate', ...ADDON, '--sandbox', SCENARIO);

/** The directory of the code, which is that of the example. */
let code = '';
const text = (): string => readFileSync(join(code, 'main.tf'), 'utf8');
beforeEach(() => {
  code = world.file('code');
  mkdirSync(code);
  for (const name of ['main.tf', 'trust.json']) copyFileSync(join('examples/terraform', name), join(code, name));
});

describe('after a migration', () => {
  it('the code does not match until it is patched, and then a second run changes nothing', async () => {
    const { migrationId: id } = await migrate();
    const before = text();
    const checked = await world.run('hand-off', 'check', '--terraform', code, id);
    expect(checked.code).toBe(3);
    expect(checked.out).toMatch(
      /^ {2}~ .*\/code\/main\.tf:15 {2}aws_eks_addon\.ebs_csi: .*\n\n✖ does not match: .*\n.*:\n {2}.* hand-off patch /,
    );

    const shown = await world.run('hand-off', 'patch', '--terraform', code, id);
    expect(shown).toMatchObject(printing(0, /^--- a\/main\.tf\n\+\+\+ b\/main\.tf\n@@ /));
    expect(shown.out).toContain('\n-  service_account_role_arn    = aws_iam_role.ebs_csi.arn\n');
    expect(shown.err).toContain('✔ not written: 1 file would change.');
    expect(text()).toBe(before);
    const [, command] = /To write it:\n {2}(.*)$/m.exec(shown.err)!;
    expect(command).toBe(`${PROGRAM} hand-off patch --terraform ${code} ${id} --state ${world.state()} --write`);

    const written = await run(...command!.slice(PROGRAM.length + 1).split(' '));
    expect({ code: written.code, out: written.out }).toEqual({ code: 0, out: shown.out });
    expect(written.err).toContain(`✔ patched: 1 file written.`);
    const after = text();
    expect(after).not.toBe(before);
    // The pods keep the role by reference, and everything around the change stays.
    expect(after).toContain('role_arn        = aws_iam_role.ebs_csi.arn');
    expect(after).toContain('# The controller creates and attaches volumes.');

    expect(await world.run('hand-off', 'check', '--terraform', code, id)).toEqual({
      code: 0,
      out: '✔ matches: the code contains what it must.\n',
      err: '',
    });
    const again = await world.run('hand-off', 'patch', '--write', '--terraform', code, id);
    expect(again).toEqual({ code: 0, out: '', err: '✔ nothing to do: the code contains what it must.\n' });
    expect(text()).toBe(after);
  });

  it('the code is checked without the migration, by what the account has', async () => {
    const check = (...where: string[]) => run('hand-off', 'check', '--terraform', code, ...ADDON, ...where);
    expect((await check('--sandbox', SCENARIO)).code).toBe(0);
    await migrate();
    expect((await check('--state', world.state())).code).toBe(3);
    await run('hand-off', 'patch', '--write', '--terraform', code, ...ADDON, '--state', world.state());
    expect([(await check('--state', world.state())).code, (await check('--sandbox', SCENARIO)).code]).toEqual([0, 3]);
  });

  it('prints it in each format, and as a document', async () => {
    const { migrationId: id } = await migrate();
    const texts = await Promise.all(
      HAND_OFF_FORMATS.map(async (format) => (await world.run('hand-off', id, '--format', format)).out),
    );
    expect(new Set(texts).size).toBe(HAND_OFF_FORMATS.length);
    const [terraform] = texts;
    expect(terraform).toContain('resource "aws_eks_addon"');
    const usual = await world.run('hand-off', id);
    expect(usual.out).toBe(terraform);
    expect(usual.err).toBe(
      `To change the code in a directory accordingly:\n  ${PROGRAM} hand-off patch --terraform DIR ${id} --state ${world.state()}\n`,
    );
    expect((await world.run('hand-off', id, '--quiet')).err).toBe('');
    const { out } = await world.run('hand-off', id, '--json');
    expect(handOffSchema.parse(JSON.parse(out))).toMatchObject({
      state: 'migrated',
      addon: { name: 'aws-ebs-csi-driver' },
    });
  });

  it('the last lines of the report name the command, which works as it is printed', async () => {
    const migrated = await world.run('migrate', ...ADDON, '--sandbox', SCENARIO);
    const [, command] = /\nChange the code that defines it before the next apply:\n {2}(.*)\n/.exec(migrated.out)!;
    const shown = await run(...command!.slice(PROGRAM.length + 1).split(' '));
    expect(shown.code).toBe(0);
    expect(shown.out).toContain('resource "aws_eks_addon"');
  });

  it('a rollback has a hand-off of its own, which restores the former code', async () => {
    const { migrationId: id } = await migrate();
    const before = text();
    await world.run('hand-off', 'patch', '--write', '--terraform', code, id);
    expect((await world.run('rollback', id)).out).toContain(
      `Revert the change of the code that defines it before the next apply:\n  ${PROGRAM} hand-off ${id} --state`,
    );
    expect(JSON.parse((await world.run('hand-off', id, '--json')).out)).toMatchObject({ state: 'rolled-back' });
    expect((await world.run('hand-off', 'check', '--terraform', code, id)).code).toBe(3);
    writeFileSync(join(code, 'main.tf'), before);
    expect((await world.run('hand-off', 'check', '--terraform', code, id)).code).toBe(0);
  });

  it('a retirement has one, with the statement that the code of the role must not contain', async () => {
    const { migrationId: id } = await migrate();
    expect((await world.run('retire', id, '--soak-days', '0', '--apply')).out).toContain(
      `Remove the statement from the role's code before the next apply:\n  ${PROGRAM} hand-off ${id} --state`,
    );
    const handOff = handOffSchema.parse(JSON.parse((await world.run('hand-off', id, '--json')).out));
    expect(handOff).toMatchObject({ state: 'retired', trust: [{ action: 'remove', statement: { Sid: 'Irsa' } }] });
  });
});

describe('a place that is left to a person', () => {
  const ACCOUNT = ['--cluster', 'payments-prod', '--namespace', 'payments', '--service-account', 'api'];

  it('names a command that prints what belongs there, and the check that follows', async () => {
    const { migrationId: id } = await world.reportOf(
      ...words`migrate-workload ${ACCOUNT} --sandbox service-account-irsa`,
    );
    for (const which of [[id], ACCOUNT]) {
      const checked = await world.run('hand-off', 'check', '--terraform', code, ...which);
      expect(checked.code).toBe(3);
      const ends =
        /prints:\s+(.*)\n\n✖ does not match: 1 place left to you\.\nOnce that is done, check .*:\n {2}(.*)\n$/;
      const [, prints, again] = ends.exec(checked.out)!;
      const shown = await run(...prints!.slice(PROGRAM.length + 1).split(' '));
      expect(shown.out).toContain('\nimport {\n  to = aws_eks_pod_identity_association.');
      expect(again).toBe(`${PROGRAM} hand-off check --terraform ${code} ${which.join(' ')} --state ${world.state()}`);
    }
  });
});

it('the document of patch and check has the diff of each file, the findings, and whether the code matches', async () => {
  const { migrationId: id } = await migrate();
  const { code: exitCode, out } = await world.run('hand-off', 'check', '--terraform', code, id, '--json');
  expect(exitCode).toBe(3);
  expect(JSON.parse(out)).toMatchObject({
    terraform: code,
    matches: false,
    written: false,
    files: [{ path: 'main.tf', diff: matching(/^--- a\/main\.tf\n/) }],
    handOff: { state: 'migrated' },
  });
  const patched = await world.run('hand-off', 'patch', '--write', '--terraform', code, id, '--json');
  expect(JSON.parse(patched.out)).toMatchObject({ matches: false, written: true });
  const after = await world.run('hand-off', 'check', '--terraform', code, id, '--json');
  expect(JSON.parse(after.out)).toMatchObject({ matches: true, written: false, files: [] });
});

describe('what cannot be compared', () => {
  const refused = async (...argv: string[]) => {
    const { code: exitCode, out, err } = await run(...argv);
    return { exitCode, out, err };
  };

  it('is a directory that does not exist, before anything is read', async () =>
    expect(await refused('hand-off', 'check', '--terraform', world.file('gone'), ...ADDON)).toMatchObject({
      exitCode: 2,
      out: '',
      err: matching(/^error: --terraform .*gone does not exist\nhint: /),
    }));

  it('is an unknown migration, and one that changed nothing', async () => {
    await migrate();
    const unknown = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
    expect(await refused('hand-off', unknown, '--state', world.state())).toMatchObject({
      exitCode: 2,
      err: containing(`migration ${unknown} does not exist here`),
    });
    const blocked = await world.reportOf('migrate', '--cluster', 'reliability-dev', '--addon', 'no-such-addon');
    const { exitCode, err } = await refused('hand-off', blocked.migrationId, '--state', world.state());
    expect(exitCode).toBe(2);
    expect(err).toContain(`migration ${blocked.migrationId} ended blocked and changed nothing, so it has no hand-off`);
    expect(err).toContain(
      `hand-off --cluster reliability-dev --addon no-such-addon --account 111122223333 --region eu-west-1 --state ${world.state()}`,
    );
  });

  it.each([
    [['--cluster', 'gone', '--addon', 'aws-ebs-csi-driver'], /cluster gone does not exist in account 111122223333/],
    [['--cluster', 'reliability-dev', '--addon', 'gone'], /reliability-dev has no add-on gone\n.*plan --cluster/],
    [
      ['--cluster', 'reliability-dev', '--namespace', 'default', '--service-account', 'gone'],
      /service account default\/gone of cluster reliability-dev has no association/,
    ],
  ])('is what the account does not have: %j', async (what, message) => {
    const { exitCode, err } = await refused('hand-off', ...what, '--sandbox', SCENARIO);
    expect(exitCode).toBe(2);
    expect(err).toMatch(message);
  });
});

describe('before a migration', () => {
  const REPAIRED = ['--cluster', 'orders-dev', '--addon', 'aws-ebs-csi-driver', '--sandbox', 'trust-repair'];
  const HEADING = /\nThe code that defines it\n {2}From the migration until the new code is merged, nobody may apply/;

  it('the plan reports who must not apply, and names the command that prints the hand-off', async () => {
    const planned = await run('plan', ...ADDON, '--sandbox', SCENARIO);
    expect(planned.code).toBe(0);
    expect(planned.out).toMatch(HEADING);
    const [, command] = /To prepare the change of the code .*:\n {2}(.*)\n/.exec(planned.out)!;
    const whole = await run(...command!.slice(PROGRAM.length + 1).split(' '));
    for (const part of ['\nHand-off  terraform\n', 'pod_identity_association {']) expect(whole.out).toContain(part);
    expect(whole.out).not.toMatch(HEADING);
    expect(whole.out).not.toContain('--hand-off');
  });

  it('the plan says it once if a check names the owner', async () => {
    const argv = words`plan --cluster harbor-prod --addon aws-ebs-csi-driver --sandbox owners-at-next-apply`;
    const { out } = await run(...argv);
    expect(out).toMatch(/neither\s+a\s+person\s+nor\s+a\s+pipeline\s+may\s+apply/);
    expect(out).not.toMatch(HEADING);
  });

  it('a plan that an owner blocks ends with the command that accepts it', async () => {
    const argv = ['plan', '--cluster', 'quay-prod', '--addon', 'aws-ebs-csi-driver', '--sandbox', 'owners-reconciling'];
    const blocked = await run(...argv);
    expect(blocked.code).toBe(3);
    const [, command] = /plan again:\n {2}(.*)\n$/.exec(blocked.out)!;
    const accepted = await run(...command!.slice(PROGRAM.length + 1).split(' '));
    expect(accepted).toMatchObject(printing(0, /The\s+request\s+accepts\s+that/));
  });

  it('plan --hand-off has the other formats, for a dry run of a repair with its trust statement', async () => {
    const argv = ['plan', ...REPAIRED, '--trust', 'repair', '--hand-off', '--format', 'cloudformation'];
    const repair = await run(...argv);
    for (const part of ['\nHand-off  cloudformation\n', 'pods.eks.amazonaws.com']) expect(repair.out).toContain(part);
  });

  it('a plan that is blocked has none', async () => {
    const blocked = await run('plan', ...REPAIRED, '--hand-off');
    expect(blocked.code).toBe(3);
    expect(blocked.out).toContain('\nHand-off\n  none: nothing would be changed');
    expect(blocked.out).not.toMatch(HEADING);
  });
});
