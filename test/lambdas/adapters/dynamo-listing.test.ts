/** Lists of migrations: what is in them, in which order, and how much a page reads. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as fc from 'fast-check';
import { ulid } from 'ulid';
import { describe, expect, it } from 'vitest';
import { createDynamoLedger } from '../../../lambdas/adapters/dynamo-ledger.ts';
import { listKey, type Listing, MOST_READ, positionOf, readListing } from '../../../lambdas/adapters/dynamo-listing.ts';
import { DynamoTable, type Item } from '../../../lambdas/adapters/dynamo-table.ts';
import { LIST_INDEXES, LIST_KEY } from '../../../lambdas/adapters/indexes.ts';
import { LONGEST_PRINCIPAL } from '../../../lambdas/domain/aws/principal.ts';
import { type ListPosition, type MigrationFilter, orderOf } from '../../../lambdas/domain/overview/listing.ts';
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import { OUTCOMES } from '../../../lambdas/domain/terms/outcome.ts';
import { BY_CLOUDTRAIL } from '../../../lambdas/domain/text/names.ts';
import { summaryOf } from '../../../lambdas/domain/migration/summary.ts';
import type { Ledger, MigrationPage } from '../../../lambdas/ports/ledger.ts';
import { isListed, backendOfMigration } from '../fake-lists.ts';
import { aMigration, aRequest, at, MIGRATION_ID, NOW } from '../fixtures.ts';
import { LEDGERS, newDynamoDb, TABLE } from './ledgers.ts';
import { runs } from '../../runs.ts';
import { forAllAsync } from '../../for-all.ts';

const ACCOUNTS = ['111122223333', '444455556666'];
const REGIONS = ['eu-west-1', 'us-east-1'];
const CLUSTERS = ['one', 'two'];
const ADDONS = ['aws-ebs-csi-driver', 'vpc-cni'];
const REQUESTERS = ['ada', 'grace'];
/** Seconds, so that several start at once. */
const TIMES = [0, 1, 2, 3];

const oneOf = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const anyOr = <T>(values: readonly T[]): fc.Arbitrary<T | undefined> => fc.option(oneOf(values), { nil: undefined });

const record: fc.Arbitrary<Migration> = fc
  .record({
    account: oneOf(ACCOUNTS),
    region: oneOf(REGIONS),
    cluster: oneOf(CLUSTERS),
    addon: anyOr(ADDONS),
    requestedBy: anyOr([...REQUESTERS, '']),
    dryRun: fc.boolean(),
    second: oneOf(TIMES),
    /** An id may be older than the start, as those of a sweep are. */
    random: fc.double({ min: 0, max: 0.99, noNaN: true }),
    status: oneOf(['running', 'rolling-back', 'ended'] as const),
    outcome: oneOf(OUTCOMES),
  })
  .map(({ account, region, cluster, addon, requestedBy, dryRun, second, random, status, outcome }) => {
    const { addon: _, ...request } = aRequest({ target: { account, region, cluster }, dryRun });
    const subject = addon === undefined ? { serviceAccount: { namespace: 'app', name: 'app' } } : { addon };
    return aMigration({
      migrationId: ulid(NOW, () => random),
      request: { ...request, ...subject, ...(requestedBy === undefined ? {} : { requestedBy }) },
      startedAt: at(second),
      plan: undefined,
      status,
      ...(status === 'running' ? {} : { outcome, endedAt: at(9) }),
    });
  });
const records = fc.uniqueArray(record, { selector: ({ migrationId }) => migrationId, maxLength: 25 });

const filters: fc.Arbitrary<MigrationFilter> = fc.record({
  account: anyOr(ACCOUNTS),
  region: anyOr(REGIONS),
  cluster: anyOr([...CLUSTERS, 'three']),
  addon: anyOr(ADDONS),
  requestedBy: anyOr(REQUESTERS),
  status: anyOr(['running', 'rolling-back', 'ended'] as const),
  outcome: anyOr(OUTCOMES),
  dryRun: anyOr([true, false]),
  since: anyOr([NOW, NOW + 1000, NOW + 1001, NOW + 1_000_000]),
  until: anyOr([NOW - 1, NOW, NOW + 2000, NOW + 2001, NOW + 1_000_000]),
});

/** As executions and rollbacks write them, one after the other. */
async function fill(ledger: Ledger, all: readonly Migration[]): Promise<void> {
  for (const one of all) {
    const { migrationId, status, outcome, endedAt } = one;
    await ledger.putMigration(aMigration({ ...one, status: 'running', outcome: undefined, endedAt: undefined }));
    if (status === 'running') continue;
    await ledger.updateMigration(migrationId, { status: 'ended', outcome, endedAt });
    if (status === 'rolling-back')
      await ledger.changeRollback(
        migrationId,
        { status: 'ended' },
        { status, rollback: { id: migrationId, state: 'running', cause: 'requested', startedAt: at(10) } },
      );
  }
}

/** What a look at everything finds. */
const expected = (all: readonly Migration[], filter: MigrationFilter): string[] =>
  all
    .map(summaryOf)
    .filter((one) => isListed(one, filter))
    .toSorted((a, b) => (orderOf(backendOfMigration(a)) < orderOf(backendOfMigration(b)) ? 1 : -1))
    .map(({ migrationId }) => migrationId);

async function everyPage(read: (after?: ListPosition) => Promise<MigrationPage>, limit: number): Promise<string[]> {
  const ids: string[] = [];
  let page: MigrationPage | undefined;
  do {
    page = await read(page?.next);
    expect(page.migrations.length).toBeLessThanOrEqual(limit);
    ids.push(...page.migrations.map(({ migrationId }) => migrationId));
  } while (page.next);
  return ids;
}

/** Counts what the client's queries read since they were asked last. */
function countReads(client: DynamoDBClient): () => number {
  let read = 0;
  const send = client.send.bind(client) as (command: unknown) => Promise<{ ScannedCount?: number }>;
  client.send = async (command: unknown) => {
    const output = await send(command);
    read += output.ScannedCount ?? 0;
    return output;
  };
  return () => {
    const before = read;
    read = 0;
    return before;
  };
}

describe.each(LEDGERS)('a list of migrations on %s', (_, open) => {
  it('has each that fits, once, the newest first, in pages of any size', () =>
    forAllAsync(
      runs(8, 25),
      records,
      fc.array(fc.tuple(filters, fc.integer({ min: 1, max: 12 })), { minLength: 20, maxLength: 20 }),
      async (all, questions) => {
        const ledger = await open();
        await fill(ledger, all);
        for (const [filter, limit] of questions)
          expect(await everyPage((after) => ledger.listMigrations(filter, limit, after), limit)).toEqual(
            expected(all, filter),
          );
      },
    ));

  it('shows what each is about, and how far it has come', async () => {
    const ledger = await open();
    const request = aRequest({ requestedBy: 'ada' });
    await ledger.putMigration(aMigration({ request }));
    await ledger.updateMigration(MIGRATION_ID, { outcome: 'blocked', status: 'ended', endedAt: at(9) });
    expect((await ledger.listMigrations({}, 10)).migrations).toEqual([
      {
        migrationId: MIGRATION_ID,
        target: request.target,
        addon: request.addon,
        status: 'ended',
        outcome: 'blocked',
        dryRun: false,
        requestedBy: 'ada',
        startedAt: at(0),
        endedAt: at(9),
      },
    ]);
  });

  it('follows a record that is put again with another request', async () => {
    const ledger = await open();
    const { addon: _addon, ...request } = aRequest();
    await ledger.putMigration(aMigration({ request: { ...request, addon: 'vpc-cni', requestedBy: 'ada' } }));
    await ledger.putMigration(
      aMigration({ request: { ...request, serviceAccount: { namespace: 'app', name: 'app' } } }),
    );
    expect(await ledger.listMigrations({ addon: 'vpc-cni' }, 10)).toEqual({ migrations: [] });
    expect(await ledger.listMigrations({ requestedBy: 'ada' }, 10)).toEqual({ migrations: [] });
    expect((await ledger.listMigrations({}, 10)).migrations).toMatchObject([{ serviceAccount: { name: 'app' } }]);
  });
});

describe('a page of migrations', () => {
  const answered: MigrationFilter[] = [
    {},
    { account: ACCOUNTS[0], region: REGIONS[0], cluster: CLUSTERS[0] },
    { cluster: CLUSTERS[0] },
    { account: ACCOUNTS[0] },
    { addon: ADDONS[0] },
    { requestedBy: REQUESTERS[0] },
    { status: 'running' },
    { status: 'rolling-back' },
    { status: 'ended' },
  ];

  it('reads no more than it shows, and one, where one thing narrows the list', () =>
    forAllAsync(
      runs(8, 25),
      records,
      anyOr([true, false]),
      fc.integer({ min: 1, max: 5 }),
      async (all, dryRun, limit) => {
        const client = await newDynamoDb('direct');
        const ledger = createDynamoLedger({ client, tableName: TABLE });
        await fill(ledger, all);
        const read = countReads(client);
        for (const filter of [
          ...answered,
          ...answered.map((one) => ({ ...one, since: NOW + 1000, until: NOW + 3000 })),
        ])
          await everyPage(async (after) => {
            const page = await ledger.listMigrations({ ...filter, dryRun }, limit, after);
            const ofTwo = dryRun === undefined ? limit + 1 : 0;
            expect(read()).toBeLessThanOrEqual(page.migrations.length + 1 + ofTwo);
            return page;
          }, limit);
      },
    ));

  it('reads a bounded number where few fit', async () => {
    const client = await newDynamoDb('direct');
    const ledger = createDynamoLedger({ client, tableName: TABLE });
    const count = MOST_READ + 200;
    const request = aRequest({ requestedBy: 'ada' });
    for (let index = 0; index < count; index += 1)
      await ledger.putMigration(
        aMigration({ migrationId: ulid(NOW + index), startedAt: at(index), request, plan: undefined }),
      );
    const read = countReads(client);
    const filter = { requestedBy: 'ada', addon: 'none', dryRun: false };
    const first = await ledger.listMigrations(filter, 10);
    expect(first).toMatchObject({ migrations: [], next: { startedAt: at(count - MOST_READ) } });
    expect(read()).toBe(MOST_READ);
    expect([await ledger.listMigrations(filter, 10, first.next), read()]).toEqual([{ migrations: [] }, 200]);
  });

  it('asks for nothing where nothing can fit', async () => {
    const client = await newDynamoDb();
    const ledger = createDynamoLedger({ client, tableName: TABLE });
    client.send = () => Promise.reject(new Error('was asked'));
    for (const filter of [
      { status: 'rolling-back', outcome: 'migrated' },
      { since: NOW, until: NOW - 1 },
    ] as const)
      expect(await ledger.listMigrations(filter, 10)).toEqual({ migrations: [] });
  });

  it('continues from a position that the caller invented, within the requested range', async () => {
    const ledger = createDynamoLedger({ client: await newDynamoDb(), tableName: TABLE });
    for (const index of [0, 1, 2])
      await ledger.putMigration(aMigration({ migrationId: ulid(NOW + index), startedAt: at(index), plan: undefined }));
    const from = async (startedAt: string) =>
      (await ledger.listMigrations({ since: NOW + 1000 }, 10, { startedAt, id: 'Z'.repeat(26) })).migrations.length;
    expect(
      await Promise.all([at(-1), at(1), at(99), '0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z'].map(from)),
    ).toEqual([0, 1, 2, 0, 2]);
  });

  it('has room for each requester in the key of its index', () => {
    // In bytes; a character of a text takes three at most. Source: DynamoDB Developer Guide, "Quotas".
    expect((BY_CLOUDTRAIL.length + LONGEST_PRINCIPAL) * 3).toBeLessThanOrEqual(2048);
  });
});

describe('a page of any partition', () => {
  const listing = (kinds: Listing['kinds'], addon: string | undefined): Listing => ({
    index: 'ByAccount',
    partition: ACCOUNTS[0] ?? '',
    kinds,
    where: addon === undefined ? [] : [[['summary', 'addon'], addon]],
    since: undefined,
    until: undefined,
  });
  const entry = fc.record({
    kind: oneOf(['migration', 'dry-run'] as const),
    second: oneOf(TIMES),
    random: fc.double({ min: 0, max: 0.99, noNaN: true }),
    addon: oneOf(ADDONS),
  });

  it('reads no more than it may, goes on behind it, and misses nothing', () =>
    forAllAsync(
      runs(40, 60),
      fc.uniqueArray(entry, { selector: ({ random }) => ulid(NOW, () => random), maxLength: 20 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 2, max: 9 }),
      anyOr(ADDONS),
      async (entries, limit, mostRead, addon) => {
        const client = await newDynamoDb('direct');
        const table = new DynamoTable(client, TABLE);
        const locations = entries.map(({ second, random }) => ({
          startedAt: at(second),
          id: ulid(NOW, () => random),
        }));
        for (const [index, { kind, addon: has }] of entries.entries()) {
          const position = locations[index] ?? { startedAt: '', id: '' };
          await table.put(
            { pk: position.id, sk: 'RECORD' },
            { [LIST_KEY]: listKey(kind, position), [LIST_INDEXES.ByAccount]: ACCOUNTS[0], summary: { addon: has } },
          );
        }
        const read = countReads(client);
        const found: Item[] = [];
        let after: ListPosition | undefined;
        do {
          const page = await readListing(table, listing(['migration', 'dry-run'], addon), { limit, after, mostRead });
          expect(read()).toBeLessThanOrEqual(mostRead);
          found.push(...page.entries);
          after = page.next;
        } while (after);
        expect(found.map(positionOf)).toEqual(
          locations
            .filter((_, index) => addon === undefined || entries[index]?.addon === addon)
            .toSorted((a, b) => (orderOf(a) < orderOf(b) ? 1 : -1)),
        );
      },
    ));
});
