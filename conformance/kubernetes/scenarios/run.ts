/** What is done in one world: a scenario, and the acts that follow each other in it. */
import type { MigrationRequestInput } from '../../../lambdas/domain/request/request.ts';
import type { Scenario } from '../../../sandbox/scenario/scenario.ts';

/** A request for a migration, without the cluster. */
export type Asked = Omit<MigrationRequestInput, 'target'>;

/** A HorizontalPodAutoscaler sets the number of a workload's pods, through its subresource `scale`. */
export interface Scaling {
  kind: 'Deployment' | 'StatefulSet';
  namespace: string;
  name: string;
  replicas: number;
}

/** `rollback`, `retire` and `reinstate` are about the latest migration. */
export type Act =
  | { does: 'migrate'; asked: Asked; meanwhile?: Scaling & { afterSeconds: number } }
  | ({ does: 'scale' } & Scaling)
  | { does: 'rollback' }
  | { does: 'retire'; accept?: string[] }
  | { does: 'reinstate' };

export interface Run {
  /** Unique among all runs: the scenario's name, and what distinguishes runs of the same scenario. */
  name: string;
  /** Name of a published scenario, or of a file in `extra`. */
  scenario: string;
  /** Changes the scenario before it is opened. */
  change?: (scenario: Scenario) => void;
  acts: readonly Act[];
}

export const migrate = (asked: Asked): Act => ({ does: 'migrate', asked });
export const scale = (scaling: Scaling): Act => ({ does: 'scale', ...scaling });
export const ROLLBACK: Act = { does: 'rollback' };

/** Returns a request's strategy as the results show it. */
export const strategyOf = ({ serviceAccount, strategy = 'auto', preserve }: Asked): string => {
  if (serviceAccount) return 'associate';
  return preserve ? `${strategy} with preserve` : strategy;
};

/** The fields of a request that its strategy shows already. */
const SHOWN: ReadonlySet<string> = new Set(['addon', 'serviceAccount', 'strategy', 'preserve']);

/** Returns the kinds of what a request accepts, in a few words. */
export const kindsText = ({ accept = [] }: Pick<Asked, 'accept'>): string =>
  ['accept', ...new Set(accept.map((entry) => entry.split(':', 1)[0]))].join(' ');

/** Returns what an act does, in a few words: its subject, its strategy, and its other options. */
export const titleOf = (act: Act): string => {
  if (act.does === 'scale') return `${act.name} is scaled to ${act.replicas}`;
  if (act.does !== 'migrate') return act.does;
  const { asked, meanwhile } = act;
  const subject = asked.addon ?? `${asked.serviceAccount?.namespace ?? ''}/${asked.serviceAccount?.name ?? ''}`;
  const options = Object.keys(asked)
    .filter((key) => !SHOWN.has(key))
    .map((key) => {
      const value = asked[key as keyof Asked];
      if (key === 'accept') return kindsText(asked);
      return typeof value === 'string' ? `${key} ${value}` : key;
    });
  return [
    `${subject}: ${strategyOf(asked)}`,
    ...options,
    ...(meanwhile ? [`${meanwhile.name} is scaled to ${meanwhile.replicas}`] : []),
  ].join(', ');
};
