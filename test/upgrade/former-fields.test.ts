/**
 * An upgrade from a release whose requests have the former fields of `accept` (ADR 121): executions that it has started, and
 * a record that waits for an approval.
 */
import { type AttributeValue, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { inApiWorld, pending, WANTS_APPROVAL } from '../end-to-end/api-world.ts';
import { inWorld, type OpenWorld } from '../end-to-end/world.ts';
import { MACHINES, previousOf, refusedInputs } from './previous.ts';

const STORE = 'SecretStore/shop/aws';
const DEFINITIONS = [
  { whose: 'today’s', machines: [] },
  { whose: 'the previous', machines: MACHINES },
] as const;

/** Starts an execution with an input as the previous release made it, and waits until none runs. Its name begins with the id. */
async function execute(world: OpenWorld, stateMachineArn: string, name: string, asked: object): Promise<void> {
  const input = JSON.stringify({ migrationId: name.split('-', 1)[0], ...asked });
  await world.backend.stepFunctions.send(new StartExecutionCommand({ stateMachineArn, name, input }));
  await world.rest();
}

/** Starts MigrateAddon with a request that has former fields. Returns the id of the migration. */
async function begin(world: OpenWorld, request: object): Promise<string> {
  const migrationId = world.backend.ids.ulid();
  await execute(world, world.backend.stateMachineArn, migrationId, { request: { target: world.target, ...request } });
  return migrationId;
}

describe.each(DEFINITIONS)('an execution with former fields, by $whose definitions', ({ machines }) => {
  it('of MigrateAddon and of Retire accepts what they name', () =>
    inWorld({ scenario: 'secret-store', definitionOf: previousOf(machines) }, async (world) => {
      const { backend } = world;
      const id = await begin(world, {
        serviceAccount: { namespace: 'shop', name: 'orders' },
        annotation: 'remove',
        acceptConsumers: [STORE],
        acceptImages: [],
      });
      expect(await backend.ledger.getMigration(id)).toMatchObject({
        outcome: 'migrated',
        request: { accept: [`consumer:${STORE}`] },
      });
      const retire = { action: 'retire', dryRun: false, soakDays: 0 };
      await execute(world, backend.retireStateMachineArn!, `${id}-1`, retire);
      expect((await backend.ledger.getMigration(id))?.retirement).toMatchObject({ state: 'refused' });
      await execute(world, backend.retireStateMachineArn!, `${id}-2`, { ...retire, acceptConsumers: [STORE] });
      expect((await backend.ledger.getMigration(id))?.retirement).toMatchObject({
        state: 'ended',
        done: true,
        accept: [`consumer:${STORE}`],
      });
      expect(refusedInputs(world)).toEqual([]);
    }));

  it('of Recover accepts a gap in the credentials', () =>
    inWorld(
      { scenario: 'service-account-irsa', knobs: { podReadySeconds: 150 }, definitionOf: previousOf(machines) },
      async (world) => {
        const { backend } = world;
        const id = await begin(world, { serviceAccount: { namespace: 'payments', name: 'api' } });
        await world.later(9 * 3_600_000);
        const asked = { cause: 'requested', requestedBy: 'me' };
        await execute(world, backend.recoverStateMachineArn, `${id}-1`, asked);
        expect(await backend.ledger.getMigration(id)).toMatchObject({ outcome: 'needs-human' });
        await execute(world, backend.recoverStateMachineArn, `${id}-2`, { ...asked, acceptCredentialGap: true });
        expect(await backend.ledger.getMigration(id)).toMatchObject({
          outcome: 'rolled-back',
          rollback: { accept: ['credential-gap'] },
        });
        expect(refusedInputs(world)).toEqual([]);
      },
    ));
});

/** Returns an attribute as the previous release wrote it: `accept` has one entry, of an image. */
function formerly(value: AttributeValue): AttributeValue {
  if (!value.M) return value;
  const { accept, ...rest } = Object.fromEntries(Object.entries(value.M).map(([name, one]) => [name, formerly(one)]));
  const images = accept?.L?.map(({ S = '' }) => ({ S: S.replace('image:', '') }));
  return { M: { ...rest, ...(images ? { acceptImages: { L: images }, acceptedKeys: { L: [] } } : {}) } };
}

it('a plan that waits for its approval, in a record with former fields, is approved and carried out', () =>
  inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
    const accept = ['image:shop/api:1.0'];
    const id = await ann.migrate({ ...WANTS_APPROVAL, accept });
    const { planHash } = await pending(sandbox, bob, id);
    const client = sandbox.clients().dynamodb();
    const TableName = sandbox.outputs.tableName;
    const { Items = [] } = await client.send(new ScanCommand({ TableName }));
    const former = Items.map((item) => formerly({ M: item }).M!).filter((item) =>
      JSON.stringify(item).includes('acceptImages'),
    );
    expect(former.map(({ sk }) => sk?.S)).toContain('RECORD');
    for (const Item of former) await client.send(new PutItemCommand({ TableName, Item }));
    expect((await world.backend.ledger.getMigration(id))?.request.accept).toEqual(accept);
    await bob.approve(id, planHash);
    await world.rest();
    expect(await ann.shown(id)).toMatchObject({ outcome: 'migrated' });
  }));
