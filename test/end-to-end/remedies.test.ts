/** Every command in a remedy of a published scenario is in the table whose commands `remedies.process.test.ts` runs. */
import { describe, expect, it } from 'vitest';
import { commandsIn } from '../../cli/text/remedy.ts';
import { openSandboxBackend } from '../../cli/backend.ts';
import { migrationRequest } from '../../lambdas/domain/request/request.ts';
import { migrateIn } from './fixture.ts';
import { checksWithCommands, everySituation, rows, templateOf } from './remedies.ts';

describe('the commands in remedies', () => {
  it('are found, whatever surrounds them', () => {
    expect(
      commandsIn(
        'Do this: aws eks create-addon --region r --cluster-name c ; then (kubectl -n a get pods) or: aws iam create-role --policy \'{"a": 1}\' . Then plan again.',
      ),
    ).toEqual([
      'aws eks create-addon --region r --cluster-name c',
      'kubectl -n a get pods',
      'aws iam create-role --policy \'{"a": 1}\'',
    ]);
    expect(commandsIn('Wait until it is ACTIVE, then plan again.')).toEqual([]);
  });

  it('are all in the table, and every row of the table is printed', async () => {
    const printed = new Map<string, string>();
    for (const situations of Map.groupBy(everySituation(), ({ parsed }) => parsed).values()) {
      const backend = await openSandboxBackend(situations[0]!.parsed, {});
      try {
        for (const { scenario, target, subject } of situations) {
          const request = migrationRequest.parse({ target, ...subject, dryRun: true });
          const { plan } = await backend.clock.spawn(() => migrateIn(backend, request));
          for (const { id, command } of checksWithCommands(plan?.checks ?? [])) {
            expect(command, `${scenario}: a command ends before punctuation`).not.toMatch(/[.,;]$/);
            printed.set(`${id}: ${templateOf(command)}`, `${scenario} ${JSON.stringify(subject)}: ${command}`);
          }
        }
      } finally {
        await backend.close();
      }
    }
    const table = new Set(rows.map(({ check, template }) => `${check}: ${template}`));
    expect([...printed].filter(([key]) => !table.has(key))).toEqual([]);
    expect([...table].filter((key) => !printed.has(key))).toEqual([]);
  });
});
