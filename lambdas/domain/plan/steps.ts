import type { MigrationRequest, PlannedAssociation, PlanStep } from '../model.ts';

/** What a recreate will do, in words and in API calls, and how each step is undone. */
export function planSteps(request: MigrationRequest, planned: PlannedAssociation[], purge: string[]): PlanStep[] {
  const { addon, preserve } = request;
  const accounts = planned.map((one) => `${one.namespace}/${one.serviceAccount}`).join(', ');
  const undoCreate = 'create the add-on again with its IRSA role, from the snapshot';
  return [
    { name: 'begin', what: 'take the lock and store a snapshot in the ledger', calls: [], disruption: 'none', undo: 'release the lock' },
    {
      name: 'delete-addon',
      what: preserve ? `let EKS go of ${addon}; its software keeps running` : `delete ${addon} and its software`,
      calls: [`eks:DeleteAddon${preserve ? ' (preserve)' : ''}`],
      disruption: preserve ? 'none' : 'outage',
      undo: undoCreate,
    },
    { name: 'await-deleted', what: 'wait until EKS no longer knows it', calls: [], disruption: preserve ? 'none' : 'outage', undo: undoCreate },
    {
      name: 'purge-associations',
      what: purge.length > 0 ? `delete the associations in the way: ${purge.join(', ')}` : 'make sure that no association is in the way',
      calls: purge.length > 0 ? ['eks:DeletePodIdentityAssociation'] : [],
      disruption: 'none',
      undo: 'create them again, from the snapshot',
    },
    {
      name: 'create-addon',
      what: `create ${addon} in the same version, configuration and tags, with Pod Identity for ${accounts}`,
      calls: ['eks:CreateAddon'],
      disruption: preserve ? 'rolling' : 'outage',
      undo: 'delete it and create it again with its IRSA role, from the snapshot',
    },
    { name: 'await-active', what: 'wait until it is ACTIVE', calls: [], disruption: preserve ? 'none' : 'outage', undo: undoCreate },
    {
      name: 'verify-pods',
      what: 'look at every pod; restart those that kept the old identity, at most twice, and look again',
      calls: ['kubernetes: patch of the workload\'s pod template, where a restart is needed'],
      disruption: 'rolling',
      undo: undoCreate,
    },
    { name: 'finish', what: 'record the outcome and release the lock', calls: [], disruption: 'none', undo: 'none needed' },
  ];
}
