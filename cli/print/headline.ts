/** The headline of a report: a mark, a word, and a clause that describes the result. */
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Outcome } from '../../lambdas/domain/terms/outcome.ts';
import type { Format } from '../text/style.ts';

interface Headline {
  mark: string;
  format: Format;
  /** The outcome, unless there is a better word. */
  word?: string;
  /** A clause that describes the result. */
  says: string;
}

/** `SUBJECT` becomes "the add-on" or "the service account". */
const HEADLINES: Record<Outcome, Headline> = {
  migrated: { mark: '✔', format: 'green', says: 'SUBJECT is on EKS Pod Identity' },
  'already-migrated': { mark: '✔', format: 'green', says: 'nothing to do' },
  planned: { mark: '✔', format: 'cyan', says: 'this is what a migration would do; nothing was changed' },
  blocked: { mark: '✖', format: 'red', says: 'nothing was changed' },
  'rolled-back': { mark: '↩', format: 'yellow', says: 'SUBJECT was restored to its former state' },
  'needs-human': { mark: '✖', format: 'red', says: 'the service could neither complete nor roll back the migration' },
};

/** The headline of a migration that is blocked since IRSA is the better fit. */
const KEEP_IRSA: Headline = {
  mark: '=',
  format: 'cyan',
  word: 'keep IRSA',
  says: 'IRSA is the better fit, and nothing was changed',
};

/** Headlines of outcomes that only EKS has confirmed. */
const SAYS_BY_API: Partial<Record<Outcome, string>> = {
  migrated: 'EKS reports SUBJECT on EKS Pod Identity; no pod was read',
  'rolled-back': 'EKS reports SUBJECT in its former state; no pod was read',
};

/** Returns the headline of a migration that has ended. */
export const headlineOf = ({
  verified,
  outcome,
  plan,
  serviceAccount,
}: Pick<MigrationReport, 'verified' | 'outcome' | 'plan' | 'serviceAccount'>): Required<Headline> => {
  const found = outcome === 'blocked' && plan?.verdict === 'keep-irsa' ? KEEP_IRSA : HEADLINES[outcome];
  const says = (verified === 'api' ? SAYS_BY_API[outcome] : undefined) ?? found.says;
  return {
    word: outcome,
    ...found,
    says: says.replace('SUBJECT', serviceAccount ? 'the service account' : 'the add-on'),
  };
};
