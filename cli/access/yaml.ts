/** Renders RBAC objects as YAML for `kubectl apply -f -`, with the reason of each rule as a comment. */
import { Document, isMap, isScalar, isSeq, visit } from 'yaml';
import type { GrantedObject } from '../cluster-access/grant.ts';

const documentOf = ({ manifest, reasons }: Pick<GrantedObject, 'manifest' | 'reasons'>): string => {
  const document = new Document(manifest);
  const rules = document.get('rules');
  if (isSeq(rules)) {
    for (const [index, rule] of rules.items.entries()) {
      const reason = reasons[index];
      if (isMap(rule) && reason !== undefined) rule.commentBefore = ` ${reason}`;
    }
  }
  // Lists of words on one line, as is usual in rules.
  visit(document, { Seq: (_key, list) => void (list.flow = list.items.every(isScalar)) });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
};

/** Returns the documents, separated by `---`. */
export const yamlOf = (objects: readonly Pick<GrantedObject, 'manifest' | 'reasons'>[]): string =>
  objects.map(documentOf).join('---\n');
