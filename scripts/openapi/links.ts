/** OpenAPI Link Objects: the operations with which a client can continue from a response. */
import type { OperationId } from '../../lambdas/api/operations.ts';
import type { Json } from './json.ts';

interface Link {
  to: OperationId;
  /** JSON pointer into the response by parameter. The name of a query parameter has the prefix `query.`. */
  parameters: Record<string, string>;
  body?: Json;
}

const ID = '/migrationId';
const toMigration = (to: OperationId, id = ID, body?: Json): Link => ({
  to,
  parameters: { id },
  ...(body ? { body } : {}),
});
const toSweep = (to: OperationId, id = '/sweepId'): Link => ({ to, parameters: { id } });
const SHOW_SWEEP = toSweep('getSweep');
const OF_SWEEP = (['pauseSweep', 'resumeSweep', 'stopSweep', 'getSweepReport'] as const).map((to) => toSweep(to));

const FROM: { [Id in OperationId]?: readonly Link[] } = {
  createPlan: [toMigration('getPlan'), toMigration('getMigration')],
  getPlan: [toMigration('getMigration')],
  createMigration: [
    toMigration('getMigration'),
    toMigration('getPlan'),
    toMigration('cancel'),
    toMigration('rollBack'),
  ],
  listMigrations: [
    toMigration('getMigration', '/migrations/0/migrationId'),
    toMigration('getPlan', '/migrations/0/migrationId'),
    {
      to: 'listIdentities',
      parameters: { name: '/migrations/0/target/cluster', 'query.region': '/migrations/0/target/region' },
    },
    { to: 'listMigrations', parameters: { 'query.next': '/next' } },
  ],
  getMigration: [
    toMigration('getPlan'),
    toMigration('getHandOff'),
    toMigration('decideApproval', ID, { decision: 'approve', planHash: '{$response.body#/approvals/0/planHash}' }),
    toMigration('cancel'),
    toMigration('rollBack'),
    toMigration('retire'),
    { to: 'listIdentities', parameters: { name: '/target/cluster', 'query.region': '/target/region' } },
  ],
  getHandOff: [toMigration('getMigration'), toMigration('getPlan')],
  decideApproval: [toMigration('getMigration')],
  rollBack: [toMigration('getMigration')],
  retire: [toMigration('getMigration')],
  cancel: [toMigration('getMigration')],
  listIdentities: [
    {
      to: 'listIdentities',
      parameters: { name: '/target/cluster', 'query.region': '/target/region', 'query.next': '/next' },
    },
  ],
  createSweep: [SHOW_SWEEP, ...OF_SWEEP],
  listSweeps: [toSweep('getSweep', '/sweeps/0/sweepId'), { to: 'listSweeps', parameters: { 'query.next': '/next' } }],
  getSweep: OF_SWEEP,
  getSweepReport: [SHOW_SWEEP],
  pauseSweep: [SHOW_SWEEP, toSweep('resumeSweep'), toSweep('stopSweep')],
  resumeSweep: [SHOW_SWEEP, toSweep('pauseSweep'), toSweep('stopSweep')],
  stopSweep: [SHOW_SWEEP, toSweep('getSweepReport'), toSweep('resumeSweep')],
};

const linkOf = ({ to, parameters, body }: Link): Json => ({
  operationId: to,
  parameters: Object.fromEntries(
    Object.entries(parameters).map(([name, pointer]) => [name, `$response.body#${pointer}`]),
  ),
  ...(body ? { requestBody: body } : {}),
});

/** Returns the links of an operation by name; an empty object if there are none. */
export const linksFrom = (id: OperationId): Json => {
  const links = FROM[id] ?? [];
  return links.length === 0 ? {} : { links: Object.fromEntries(links.map((link) => [link.to, linkOf(link)])) };
};
