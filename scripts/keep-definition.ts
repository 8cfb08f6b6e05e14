/**
 * `node scripts/keep-definition.ts [FOLDER]` records what the next release must be compatible with, in
 * test/upgrade/previous (or FOLDER): the definitions of the state machines, which executions in flight continue to use,
 * and what this release's code writes into the ledger. Run it on the release's own commit; see CONTRIBUTING.md.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { ensureAssembly } from '../cli/assembly.ts';
import { openSandboxBackend, type SandboxBackend } from '../cli/backend.ts';
import { runMigration } from '../cli/service/run.ts';
import { migrationRequest, type MigrationRequestInput } from '../lambdas/domain/request/request.ts';
import { readScenario } from '../sandbox/build/load.ts';
import { jsonText } from './json-text.ts';

const ROOT = join(import.meta.dirname, '..');
const MACHINES = ['MigrateAddon', 'Recover', 'Retire'];

interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
}
type Resources = Record<string, Resource>;

/**
 * Returns a name for a reference in a definition that is valid in every release. Throws an `Error` for an unknown
 * reference.
 */
function pathOf(reference: string, resources: Resources): string {
  if (reference === 'AWS::Partition') return '${partition}';
  const { Type, Properties = {} } = resources[reference] ?? {};
  if (Type?.startsWith('AWS::DynamoDB::')) return '${table}';
  const { Ref: name = '' } = (Properties['FunctionName'] ?? {}) as { Ref?: string };
  const handler = resources[name]?.Properties['Handler'];
  if (Type !== 'AWS::Lambda::Version' || typeof handler !== 'string')
    throw new Error(
      `A definition has an unknown reference ${reference}. Add it to scripts/keep-definition.ts and test/upgrade/previous.ts.`,
    );
  return `\${step:${handler.replace('.handler', '')}}`;
}

/** Definitions by the name of the state machine. */
function definitionsOf(resources: Resources): Record<string, object> {
  const definitionOf = (name: string): object => {
    const [, machine] =
      Object.entries(resources).find(
        ([id, { Type }]) => Type === 'AWS::StepFunctions::StateMachine' && id.startsWith(`${name}StateMachine`),
      ) ?? [];
    const { 'Fn::Join': [, parts] = ['', []] } = (machine?.Properties['DefinitionString'] ?? {}) as {
      'Fn::Join'?: [string, (string | { Ref: string })[]];
    };
    return JSON.parse(
      parts.map((part) => (typeof part === 'string' ? part : pathOf(part.Ref, resources))).join(''),
    ) as object;
  };
  return Object.fromEntries(MACHINES.map((name) => [name, definitionOf(name)]));
}

/** Migrations whose ledger is recorded, by their outcome or by the state in which they were. */
const CASES = {
  migrated: { request: { strategy: 'in-place' }, knobs: {} },
  /** The pods never get the new identity. */
  'rolled-back': { request: { strategy: 'recreate' }, knobs: { webhookLagSeconds: 86_400 } },
  /** The outcome is unknown: the add-on is deleted, and the locks are held. */
  'in-flight': { request: { strategy: 'recreate' }, knobs: {}, until: 'WaitForDeletion' },
} as const satisfies Record<string, { request: object; knobs: object; until?: string }>;

const SCENARIO = 'ebs-csi-irsa';

const itemsOf = async ({ sandbox }: SandboxBackend): Promise<unknown[]> =>
  (
    await sandbox
      .clients()
      .dynamodb()
      .send(new ScanCommand({ TableName: sandbox.outputs.tableName }))
  ).Items ?? [];

async function ledgerOf(name: keyof typeof CASES): Promise<object> {
  const { request: asked, knobs, ...rest } = CASES[name];
  const scenario = await readScenario(join(ROOT, 'sandbox', 'scenarios', `${SCENARIO}.json`));
  Object.assign(scenario.knobs, knobs);
  const [account] = scenario.accounts;
  const [cluster] = account?.clusters ?? [];
  const given: MigrationRequestInput = {
    target: { account: account?.id ?? '', region: cluster?.region ?? '', cluster: cluster?.name ?? '' },
    addon: 'aws-ebs-csi-driver',
    ...asked,
  };
  const request = migrationRequest.parse(given);
  const backend = await openSandboxBackend(scenario, {});
  try {
    if (!('until' in rest)) {
      const { migrationId, outcome } = await runMigration(backend, request);
      if (outcome !== name) throw new Error(`The migration that should have ended ${name} ended ${outcome}.`);
      return { scenario: SCENARIO, request, migrationId, items: await backend.clock.spawn(() => itemsOf(backend)) };
    }
    return await backend.clock.spawn(async () => {
      const { stepFunctions, stateMachineArn, sandbox, clock } = backend;
      const migrationId = backend.ids.ulid();
      const { executionArn = '' } = await stepFunctions.send(
        new StartExecutionCommand({
          stateMachineArn,
          name: migrationId,
          input: JSON.stringify({ migrationId, request }),
        }),
      );
      const { history } = sandbox.executions.execution(executionArn);
      while (!history.events.some((event) => JSON.stringify(event).includes(`"name":"${rest.until}"`)))
        await clock.sleep(1000);
      return { scenario: SCENARIO, request, migrationId, items: await itemsOf(backend) };
    });
  } finally {
    await backend.close();
  }
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? join(ROOT, 'test', 'upgrade', 'previous'));
  mkdirSync(folder, { recursive: true });
  const write = (name: string, content: object): void => writeFileSync(join(folder, `${name}.json`), jsonText(content));
  const { directory } = await ensureAssembly();
  const { Resources } = JSON.parse(readFileSync(join(directory, 'PodIdentityMigrator.template.json'), 'utf8')) as {
    Resources: Resources;
  };
  for (const [name, definition] of Object.entries(definitionsOf(Resources))) write(name, definition);
  for (const name of Object.keys(CASES) as (keyof typeof CASES)[]) write(`ledger-${name}`, await ledgerOf(name));
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  write('release', {
    version,
    commit: execFileSync('git', ['rev-parse', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim(),
  });
  console.log(`Recorded the definitions and the ledger of version ${version}.`);
}
