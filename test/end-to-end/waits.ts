/** Waits that have lasted for days, without simulating the days. */
import type { OpenWorld } from './world.ts';

/** Makes a waiting migration have waited for that many days already: its next check is the last one. */
export async function hasWaited({ backend }: OpenWorld, migrationId: string, days: number): Promise<void> {
  const { ledger, clock } = backend;
  const { waitingFor } = (await ledger.getMigration(migrationId))!;
  const since = new Date(clock.now() - days * 86_400_000).toISOString();
  await ledger.updateMigration(migrationId, { waitingFor: { ...waitingFor!, since } });
}
