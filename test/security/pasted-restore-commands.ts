/** Every kind of restore commands, with a hostile text at each position that third-party text or a forged record can reach. */
import {
  accountRestoreCommands,
  type AccountRestoreCommandsFacts,
} from '../../lambdas/domain/restore-commands/service-account.ts';
import { addonRestoreCommands, type RestoreCommandsFacts } from '../../lambdas/domain/restore-commands/add-on.ts';
import type { Addon, Association } from '../../lambdas/domain/terms/observed.ts';
import type { Migration } from '../../lambdas/domain/record/migration.ts';
import { accountMigration, accountSnapshot, aServiceAccount, aState } from '../lambdas/account-fixtures.ts';
import {
  addonArn,
  aMigration,
  anAddon,
  anAssociation,
  aPlan,
  aSnapshot,
  planned,
  RECREATE,
  target,
} from '../lambdas/fixtures.ts';
import { aTrustChange, REPAIR } from '../lambdas/steps/repaired.ts';

const COPY = addonArn(9);
/**
 * Chosen by the index of the position among all positions, so that each text is at each position in one of the
 * restore commands.
 */
export type Text = (location: number) => string;

const associationOf = (text: Text, at: number, change: Partial<Association> = {}): Association =>
  anAssociation({
    id: text(at),
    namespace: text(at + 1),
    serviceAccount: text(at + 2),
    roleArn: text(at + 3),
    targetRoleArn: text(at + 4),
    disableSessionTags: true,
    policy: text(at + 5),
    tags: { [text(at + 6)]: text(at + 7) },
    ...change,
  });

const changeOf = (text: Text): Partial<Migration> => ({
  trustChanges: [
    aTrustChange({ before: text(20), statement: { ...REPAIR.statement, Sid: text(21) } }),
    aTrustChange({ roleArn: `arn:aws:iam::111122223333:role/${text(22)}`, after: text(23), before: text(24) }),
  ],
});

function addonFacts(text: Text): Omit<RestoreCommandsFacts, 'seen'> {
  const owned = associationOf(text, 0, { ownerArn: addonArn(1) });
  const alone = associationOf(text, 8);
  const record = aMigration({
    plan: aPlan({ attempts: [RECREATE] }),
    attempt: 0,
    removed: [addonArn(1)],
    made: [COPY],
    ...changeOf(text),
  });
  const { namespace, serviceAccount } = owned;
  const all = [planned, { ...planned, namespace, serviceAccount }];
  const made = all.map((one, index) =>
    anAssociation({ ...one, id: `${text(16 + index)}-made`, ownerArn: undefined, roleArn: planned.roleArn }),
  );
  return {
    target,
    snapshot: aSnapshot({
      addon: anAddon({
        name: text(18),
        version: text(19),
        namespace: text(25),
        serviceAccountRoleArn: text(26),
        configurationValues: text(27),
        podIdentityAssociations: [owned.arn],
        tags: { [text(28)]: text(29) },
      }),
      planned: [...all, { ...planned, serviceAccount: alone.serviceAccount, namespace: alone.namespace }],
      associations: [owned, alone],
    }),
    record: { ...record, associations: { purged: [], created: made, restored: [] } },
    workloads: [
      { kind: 'Deployment', namespace: text(30), name: text(31) },
      { kind: 'DaemonSet', namespace: 'kube-system', name: 'node' },
    ],
  };
}

const seenAs = (text: Text, change: Partial<Addon> | undefined): RestoreCommandsFacts['seen'] => ({
  addon:
    change &&
    anAddon({
      arn: COPY,
      name: text(18),
      version: text(32),
      serviceAccountRoleArn: text(33),
      issues: [{ code: text(34), message: text(35), resourceIds: [text(36)] }],
      ...change,
    }),
  associations: [
    associationOf(text, 37, { namespace: text(1), serviceAccount: text(2), ownerArn: undefined }),
    associationOf(text, 45, { namespace: text(9), serviceAccount: text(10), ownerArn: undefined }),
    associationOf(text, 53, { namespace: planned.namespace, serviceAccount: planned.serviceAccount, ownerArn: COPY }),
  ],
});

const CONFLICT = { code: 'ConfigurationConflict', message: 'Conflicts', resourceIds: [] };
const STATES: (Partial<Addon> | undefined)[] = [
  undefined,
  { status: 'DELETING' },
  { status: 'CREATE_FAILED' },
  { status: 'CREATE_FAILED', issues: [CONFLICT] },
  { status: 'UPDATING' },
  { status: 'DEGRADED' },
  { status: 'ACTIVE', arn: addonArn(5) },
];

function accountFacts(text: Text): AccountRestoreCommandsFacts {
  const [namespace, name] = [text(0), text(1)];
  const serviceAccount = aState({ namespace, name, roleArn: text(2) });
  const were = associationOf(text, 3, { namespace, serviceAccount: name });
  return {
    target,
    snapshot: accountSnapshot({
      namespace,
      serviceAccount,
      planned: [{ namespace, serviceAccount: name, roleArn: text(11) }],
      associations: [were],
    }),
    record: accountMigration({
      ...changeOf(text),
      associations: { purged: [], created: [associationOf(text, 12)], restored: [] },
    }),
  };
}

/** Returns all restore commands for one assignment of texts to positions. */
export function restoreCommandsWith(text: Text): string[][] {
  const addon = addonFacts(text);
  const account = accountFacts(text);
  const trust = { [REPAIR.roleArn]: null, [`arn:aws:iam::111122223333:role/${text(22)}`]: text(60) };
  const { workloads: _, ...unseen } = addon;
  return [
    addonRestoreCommands(unseen),
    ...STATES.map((state) => {
      const seen = seenAs(text, state);
      return addonRestoreCommands({ ...addon, trust, ...(seen ? { seen } : {}) });
    }),
    accountRestoreCommands(account),
    ...[undefined, aServiceAccount({ roleArn: undefined }), aServiceAccount({ roleArn: text(61) })].map((now) =>
      accountRestoreCommands({
        ...account,
        trust,
        associations: [associationOf(text, 62)],
        account: { now },
        workloads: [{ kind: 'StatefulSet', namespace: text(70), name: text(71) }],
      }),
    ),
  ];
}
