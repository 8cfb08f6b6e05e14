/** Notes on the annotations of service accounts, for formats whose code does not contain Kubernetes objects. */
import { accountOf } from '../../terms/subject.ts';
import type { HandOff, HandOffAnnotation } from '../../terms/hand-off.ts';
import { comment, commented } from './text.ts';
import { yamlLines } from './yaml.ts';

export const ANNOTATION = 'eks.amazonaws.com/role-arn';

/** Returns what the code of a service account needs. */
export function annotationSentence(one: HandOffAnnotation): string {
  const where = `of service account ${accountOf(one)}`;
  switch (one.action) {
    case 'remove':
      return `Remove the annotation ${where}.`;
    case 'restore':
      return `Add the annotation ${where} again.`;
    case 'keep':
      return `Leave the annotation ${where} as it is. It has no effect while the association exists.`;
  }
}

/** Returns the notes, each with the annotation as it is in a manifest or in values. */
export const annotationNotes = ({ annotations }: HandOff): string[] =>
  annotations.flatMap((one) => [
    ...comment(`${annotationSentence(one)} It is in the code of the Kubernetes objects: \`--format helm-values\`.`),
    ...commented(yamlLines({ [ANNOTATION]: one.roleArn })),
  ]);
