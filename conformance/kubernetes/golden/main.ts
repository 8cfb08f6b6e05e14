/** `node conformance/kubernetes/golden/main.ts [--version 1.33] [--id ID]… [--brief]`: prints how the sandbox's answers differ from the recorded ones. */
import { parseArgs } from 'node:util';
import { compareAnswers } from './compare.ts';
import { playCorpus } from './play-corpus.ts';

const { values } = parseArgs({
  options: {
    version: { type: 'string', default: '1.33' },
    id: { type: 'string', multiple: true },
    brief: { type: 'boolean', default: false },
  },
});
const counts = { same: 0, status: 0, all: 0, headers: 0 };
for (const { exchange, answer } of await playCorpus(values.version)) {
  const { status, headers, body } = compareAnswers(exchange.answer, answer);
  counts.all += 1;
  if (status.length === 0) counts.status += 1;
  if (headers.length === 0) counts.headers += 1;
  if (status.length + body.length === 0) counts.same += 1;
  const lines = [...status, ...headers, ...body];
  if (lines.length === 0 || (values.id && !values.id.some((id) => exchange.id.startsWith(id)))) continue;
  console.log(`${exchange.id}: ${exchange.method} ${exchange.path} (${exchange.as})`);
  for (const line of values.brief ? lines.slice(0, 3) : lines) console.log(`    ${line}`);
  if (values.brief && lines.length > 3) console.log(`    ${lines.length - 3} more`);
}
console.log(
  `${counts.same} of ${counts.all} answers have the recorded status and body, ${counts.status} the status, ${counts.headers} the headers.`,
);
