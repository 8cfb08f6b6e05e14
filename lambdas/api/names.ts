/** Converts a record's free-form names to the closed sets that the API promises, and the ids in its texts to links. */
import { knownFailure } from '../domain/failures/names.ts';
import type { Failure } from '../domain/terms/outcome.ts';
import { baseOf } from '../domain/migration/step-lines.ts';
import type { Links } from './answers.ts';
import { relatedIn } from './links.ts';

interface Answer {
  migrationId: string;
  failure?: Failure | undefined;
  rollback?: { error?: Failure | undefined } | undefined;
  retirement?: { error?: Failure | undefined } | undefined;
  step?: string | undefined;
  steps?: readonly { error?: Failure | undefined }[];
  waitingFor?: { text: string } | undefined;
  warnings?: readonly { message: string }[];
  plan?: { checks: readonly { message: string }[] } | undefined;
  links: Links;
}

/** Returns the answer with failure and step names from the closed sets, and with links to the migrations it names. */
export function withKnownNames<Shown extends Answer>(answer: Shown, prefix: string): Shown {
  const {
    migrationId,
    failure,
    rollback,
    retirement,
    step,
    steps = [],
    waitingFor,
    warnings = [],
    plan,
    links,
  } = answer;
  const texts = [
    failure?.message,
    rollback?.error?.message,
    retirement?.error?.message,
    waitingFor?.text,
    ...[...warnings, ...(plan?.checks ?? [])].map(({ message }) => message),
    ...steps.map(({ error }) => error?.message),
  ];
  const related = relatedIn(texts, prefix, migrationId);
  return {
    ...answer,
    ...(failure ? { failure: knownFailure(failure) } : {}),
    ...(rollback?.error ? { rollback: { ...rollback, error: knownFailure(rollback.error) } } : {}),
    ...(retirement?.error ? { retirement: { ...retirement, error: knownFailure(retirement.error) } } : {}),
    ...(step === undefined ? {} : { step: baseOf(step) }),
    ...(related.length > 0 ? { links: { ...links, related } } : {}),
  };
}
