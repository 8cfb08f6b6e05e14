/** GET /migrations/{id}/hand-off: what the owner's code must contain, as a document and in one tool's form. */
import { renderHandOff } from '../domain/hand-off/formats/index.ts';
import { handOffOf } from '../domain/hand-off/of-record.ts';
import type { Migration } from '../domain/record/migration.ts';
import type { HandlerDependencies } from '../ports/index.ts';
import { migrationPath, planPath } from './links.ts';
import type { Call, Reply } from './operations.ts';
import { ApiProblem } from './problems.ts';
import { foundMigration } from './show.ts';

/** Returns why the migration has no hand-off, as a sentence. */
function whyNone({ migrationId, status, outcome, plan }: Migration): string {
  if (status === 'rolling-back') return `Migration ${migrationId} is being rolled back: ask again when it has ended.`;
  if (status === 'running')
    return `Migration ${migrationId} is running, and ${plan ? 'its state is not certain' : 'has no plan yet'}: ask again when it has ended.`;
  return outcome === 'needs-human'
    ? `Migration ${migrationId} needs a person: run its restore commands first.`
    : `Migration ${migrationId} ended ${outcome ?? 'without an outcome'}: it changed nothing, so no code has to change.`;
}

export async function getHandOff(
  { parameters: { id }, query: { format }, prefix }: Call<'getHandOff'>,
  { ledger }: HandlerDependencies,
): Promise<Reply<'getHandOff'>> {
  const record = await foundMigration(ledger, id);
  const handOff = handOffOf(record);
  if (!handOff) throw new ApiProblem('no-hand-off', whyNone(record), { links: { self: migrationPath(prefix, id) } });
  return {
    body: {
      migrationId: id,
      handOff,
      ...(format === undefined ? {} : { format, text: renderHandOff(handOff, format) }),
      links: {
        self: `${migrationPath(prefix, id)}/hand-off`,
        migration: migrationPath(prefix, id),
        plan: planPath(prefix, id),
      },
    },
  };
}
