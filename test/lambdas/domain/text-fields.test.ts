/** Which fields of the records are text to show and which are data: each string is one of them, by its schema. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { migration, snapshot } from '../../../lambdas/domain/record/migration.ts';
import { podEvidence, stepLine } from '../../../lambdas/domain/terms/evidence.ts';
import { report as identities } from '../../../lambdas/domain/identities/model.ts';
import { clusterInventory, locationInventory, sweepItem } from '../../../lambdas/domain/sweep/model.ts';
import { words } from '../../words.ts';

/** Not shown as itself, and refused by every schema of a name. */
const HIDDEN = 'a\u200bb';

/** Paths of the strings that a schema passes on as they are. `[]`: of a list; `{}`: of a map. */
function rawIn(schema: z.core.$ZodType, path = ''): string[] {
  const { def } = schema as unknown as { def: { type: string } & Record<string, unknown> };
  const inner = (name: string): z.core.$ZodType => def[name] as z.core.$ZodType;
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
  switch (def.type) {
    case 'string':
    case 'unknown':
      return z.safeParse(schema, HIDDEN).data === HIDDEN ? [path] : [];
    case 'object':
      return Object.entries(def['shape'] as Record<string, z.core.$ZodType>).flatMap(([name, of]) =>
        rawIn(of, at(name)),
      );
    case 'array':
      return rawIn(inner('element'), `${path}[]`);
    case 'record':
      return rawIn(inner('valueType'), `${path}{}`);
    case 'union':
      return (def['options'] as z.core.$ZodType[]).flatMap((one) => rawIn(one, path));
    case 'pipe':
      return rawIn(inner('in'), path);
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
      return rawIn(inner('innerType'), path);
    case 'enum':
    case 'literal':
    case 'boolean':
    case 'number':
    case 'int':
      return [];
    default:
      throw new Error(`${path} is of a kind that this test does not know: ${def.type}`);
  }
}

/** Ids, ARNs, times and hashes that the service or AWS makes, by the last part of their path. */
const MADE =
  /(?:^|\.)(?:id|arn|migrationId|executionArn|ownerArn|roleArn|targetRoleArn|serviceAccountRoleArn|hash|planHash|found|existing\[\]|purge\[\]|locks\[\]|removed\[\]|made\[\]|podIdentityAssociations\[\]|from|uid|takenAt|observedAt|at|\w+At|planningSince|version|defaultNamespace|namespace|serviceAccount|bystanders\[\]|annotated\[\]|irsaBroken\[\]|name)$/;
/** What is compared or restored byte for byte, with the plan's parts that its hash is made of. */
const DATA =
  /(?:^|\.)(?:configurationValues|policy|externalId|tags\{\}|trustPolicies\{\}|before|after|statement\{\}|kept\{\}|annotatedBy\[\]|requestedBy|decidedBy|by|reason|issues\[\]\.(?:code|message|resourceIds\[\])|steps\[\]\.(?:what|calls\[\]|undo)|principal|schedule|userAgent|eventId|accept\[\])$/;

describe('every third-party text in a record', () => {
  it.each<[string, z.ZodType]>([
    ['a migration', migration],
    ['a snapshot', snapshot],
    ['the evidence of a pod', podEvidence],
    ['the line of a step', stepLine],
    ['a look at identities', identities],
    ['a cluster of a sweep', clusterInventory],
    ['a region of a sweep', locationInventory],
    ['an item of a sweep', sweepItem],
  ])('is printable once %s is read, unless it is data', (_, schema) =>
    expect(rawIn(schema).filter((path) => !MADE.test(path) && !DATA.test(path))).toEqual([]),
  );

  it.each(words`failure.message warnings[].message plan.checks[].message plan.checks[].remedy restoreCommands[]`)(
    'is so in %s of a migration',
    (path) => expect(rawIn(migration)).not.toContain(path),
  );
  it.each(words`
    plan.addon.configurationValues plan.addon.tags{} trustChanges[].before associations.purged[].policy
  `)('is left as it is in %s of a migration', (path) => expect(rawIn(migration)).toContain(path));
});
