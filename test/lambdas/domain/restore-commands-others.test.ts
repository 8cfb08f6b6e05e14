/** The restore commands where another principal has done what they leave as it is. */
import { describe, expect, it } from 'vitest';
import { addonRestoreCommands } from '../../../lambdas/domain/restore-commands/add-on.ts';
import type { Addon, Association } from '../../../lambdas/domain/terms/observed.ts';
import type { AddonSnapshot } from '../../../lambdas/domain/record/migration.ts';
import { addonArn, aMigration, anAddon, anAssociation, aSnapshot, OTHER_ROLE, planned, target } from '../fixtures.ts';

const commandsFor = (addon: Addon, ...associations: Association[]): string[] =>
  addonRestoreCommands({ target, snapshot: aSnapshot(), record: aMigration(), seen: { addon, associations } });

describe('addonRestoreCommands, of what another principal did', () => {
  it('leaves one whose place nothing needs, and says what it does', () => {
    const commands = commandsFor(anAddon(), anAssociation({ id: 'a-others', roleArn: OTHER_ROLE }));
    const at = commands.findIndex((line) => line.includes('Another principal created a-others'));
    expect(commands[at]).toContain('new pods use it and not IRSA');
    expect(commands[at + 1]).toMatch(/^: aws eks delete-pod-identity-association .*--association-id a-others$/);
    expect(commands.filter((line) => line.includes('a-others'))).toHaveLength(2);
  });

  it('ends with the release where the add-on was created in another namespace, which nothing can change', () => {
    const commands = commandsFor(anAddon({ arn: addonArn(5), namespace: 'elsewhere' }));
    expect(commands[0]).toContain('is in namespace elsewhere, and was in kube-system');
    expect(commands.at(-1)).toBe(`pod-identity release ${aMigration().migrationId} --deployed`);
    expect(commands.filter((line) => line.startsWith('aws '))).toEqual([]);
  });
});

describe('addonRestoreCommands, of an add-on that has its role again', () => {
  const standAlone = anAssociation({ id: 'a-alone' });
  const ofAnother = anAssociation({ id: 'a-owned', serviceAccount: 'ebs-csi-other-sa', ownerArn: addonArn(1) });
  const own = anAssociation({ id: 'a-own', ownerArn: addonArn(1) });
  const ofTwo = {
    addon: anAddon({ podIdentityAssociations: [ofAnother.arn] }),
    planned: [planned, { ...planned, serviceAccount: ofAnother.serviceAccount }],
    associations: [standAlone, ofAnother],
  };
  const updates = (snapshot: Partial<AddonSnapshot>, associations: Association[]): number => {
    const addon = anAddon({
      podIdentityAssociations: associations.flatMap(({ arn, ownerArn }) => (ownerArn === undefined ? [] : [arn])),
    });
    const record = aMigration();
    record.associations.created = [own];
    const seen = { addon, associations };
    const lines = addonRestoreCommands({ target, snapshot: aSnapshot(snapshot), record, seen });
    return lines.filter((line) => line.includes('aws eks update-addon')).length;
  };

  it('updates it where what the migration gave it has the key of one that has to come back', () =>
    expect([updates({ associations: [standAlone] }, [own]), updates(ofTwo, [own, ofAnother])]).toEqual([1, 1]));

  it('does not where nothing is in the way of what has to come back', () => {
    expect(updates({ associations: [] }, [own])).toBe(0);
    expect([updates({ associations: [standAlone] }, [standAlone]), updates(ofTwo, [ofAnother])]).toEqual([0, 0]);
  });
});
