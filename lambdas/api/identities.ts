/** GET /clusters/{name}/identities. */
import { isAccessRefused, MigrationError, RoleNotAssumed } from '../domain/failures/errors.ts';
import { identitiesReport } from '../domain/identities/report.ts';
import type { WorkloadTally } from '../domain/identities/tally.ts';
import type { Association } from '../domain/terms/observed.ts';
import type { Target } from '../domain/terms/subject.ts';
import { asClause } from '../domain/text/text.ts';
import type { HandlerDependencies } from '../ports/index.ts';
import { readIdentities, type Sources, UnreadCluster } from '../use-cases/identities/read.ts';
import type { Call, Reply } from './operations.ts';
import { ApiProblem } from './problems.ts';
import { assertLocation } from './start.ts';
import { goesOnAfter, type ListId, listIdOf, type Row, tokenAfter } from './tokens.ts';

/**
 * Milliseconds of the invocation that must be left to start another read. A read that gets no answer takes ten seconds,
 * and the caller gets no explanation if the function times out.
 */
const ENOUGH_MS = 12_000;

const rowOf = ({ namespace, kind, name, serviceAccount }: WorkloadTally): Row => [
  namespace,
  kind,
  name,
  serviceAccount,
];

/** Returns whether a row comes after another in the order of the tally. */
function isAfter(row: Row, other: Row): boolean {
  const index = row.findIndex((part, at) => part !== other[at]);
  const [mine = '', theirs = ''] = [row[index], other[index]];
  return mine > theirs;
}

/** Selects the rows of a page. Only the pods are read for the other rows. */
class Page {
  total = 0;
  next: string | undefined;
  private readonly list: ListId;
  private readonly limit: number;
  private readonly after: Row | undefined;
  constructor(list: ListId, limit: number, after: Row | undefined) {
    this.list = list;
    this.limit = limit;
    this.after = after;
  }
  take(all: WorkloadTally[]): WorkloadTally[] {
    const { after } = this;
    this.total = all.length;
    const left = after === undefined ? all : all.filter((one) => isAfter(rowOf(one), after));
    const rows = left.slice(0, this.limit);
    const last = rows.at(-1);
    this.next = last && left.length > rows.length ? tokenAfter(this.list, rowOf(last)) : undefined;
    return rows;
  }
}

function sourcesOf(target: Target, { portsFor, clock, remainingTime }: HandlerDependencies): Sources {
  const ports = portsFor(target);
  const attempt = <T>(read: () => Promise<T>): Promise<T> => {
    if (remainingTime() < ENOUGH_MS)
      throw new MigrationError(
        'OutOfTime',
        `Reading cluster ${target.cluster} takes longer than a request is allowed to.`,
      );
    return read();
  };
  const associationsOf = async (accounts: ReadonlySet<string>): Promise<Association[]> => {
    const found: Association[] = [];
    for (const account of accounts) {
      const [namespace = '', serviceAccount = ''] = account.split('/');
      found.push(...(await attempt(() => ports.eks.listAssociations(namespace, serviceAccount))));
    }
    return found;
  };
  return { ...ports, target, clock, attempt, associationsOf };
}

/** Returns the `RoleNotAssumed` that caused an error, if there is one. */
const notAssumedIn = (error: unknown): RoleNotAssumed | undefined =>
  error instanceof RoleNotAssumed ? error : error instanceof Error ? notAssumedIn(error.cause) : undefined;

function problemOf(error: unknown, { cluster, region }: Target): unknown {
  const notAssumed = notAssumedIn(error);
  if (notAssumed)
    return new ApiProblem('no-access', notAssumed.message, {
      errors: [{ field: 'query.account', message: 'is an account in which the service cannot assume a role' }],
    });
  if (error instanceof UnreadCluster && error.why === 'unknown')
    return new ApiProblem('unknown-cluster', `${error.message.replace(/^t/, 'T')}.`, {
      errors: [{ field: 'path.name', message: `is not the name of a cluster in region ${region}` }],
    });
  if (error instanceof UnreadCluster || isAccessRefused(error)) {
    return new ApiProblem(
      'no-access',
      `The service has no access to cluster ${cluster}: ${asClause(error.message)}. Create access entries in the cluster for the service's roles (the stack's output KubernetesRoleArns), as docs/kubernetes-access.md describes.`,
    );
  }
  return error;
}

export async function listIdentities(
  call: Call<'listIdentities'>,
  dependencies: HandlerDependencies,
): Promise<Reply<'listIdentities'>> {
  const {
    parameters: { name: cluster },
    query: { account = call.account, region, limit, next: token },
  } = call;
  const target = { account, region, cluster };
  assertLocation(target, { account: 'query.account', region: 'query.region' }, call, dependencies);
  const list = listIdOf('identities', target);
  const page = new Page(list, limit, goesOnAfter(list, token));
  try {
    const facts = await readIdentities(sourcesOf(target, dependencies), {
      namespace: undefined,
      wanted: (all) => page.take(all),
    });
    const { namespace: _, totals: __, trustedRoles: ___, ...report } = identitiesReport(facts);
    return {
      body: { ...report, totals: { workloads: page.total }, ...(page.next === undefined ? {} : { next: page.next }) },
    };
  } catch (error) {
    throw problemOf(error, target);
  }
}
