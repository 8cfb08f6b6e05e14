/** The hand-off for the values of a chart, whichever tool renders them: Helm, Argo CD or Flux. */
import { accountOf } from '../../terms/subject.ts';
import type { HandOff, HandOffAnnotation } from '../../terms/hand-off.ts';
import { ANNOTATION, annotationSentence } from './annotations.ts';
import { pitfallsOf } from './pitfalls.ts';
import { comment, commented, documentOf, introduction, item, type Section } from './text.ts';
import { yamlLines } from './yaml.ts';

function accountSection(one: HandOffAnnotation): Section {
  const { roleArn, action } = one;
  const annotation = { [ANNOTATION]: roleArn };
  return {
    title: `Service account ${accountOf(one)}`,
    lines: [
      ...comment(
        `${annotationSentence(one)} Most charts have it in serviceAccount.annotations. Leave other annotations as they are.`,
      ),
      ...(action === 'remove' ? commented(['remove:', ...yamlLines(annotation)]) : []),
      ...yamlLines({ serviceAccount: { annotations: action === 'remove' ? {} : annotation } }),
    ],
  };
}

function nothingToChange({ addon, annotations }: HandOff): string[] {
  if (addon)
    return comment(
      `Nothing belongs in values: EKS itself installs add-on ${addon.name} with its service accounts. Use the format of the tool that defines the add-on.`,
    );
  return annotations.length === 0 ? comment('No annotation changes, so no values have to change.') : [];
}

/** Returns the hand-off for the values of a chart. Each service account is a YAML document, for values of its own. */
export function helmValues(handOff: HandOff): string {
  const accounts = handOff.annotations.map(accountSection);
  return documentOf([
    introduction(handOff),
    { title: 'Values', lines: nothingToChange(handOff) },
    { title: 'What goes wrong', lines: pitfallsOf(handOff, 'helm-values').flatMap(item) },
    ...accounts.map(({ title, lines }, at) => ({ title, lines: at + 1 < accounts.length ? [...lines, '---'] : lines })),
  ]);
}
