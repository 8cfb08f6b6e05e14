/** The output of a plan whose verdict is keep-irsa: the reason first, and that nothing is left to do. */
import { describe, expect, it } from 'vitest';
import { PLAIN } from '../../cli/text/style.ts';
import { conclusion, summary } from '../../cli/print/summary.ts';
import { aCheck, aPlan, aReport } from './fixtures.ts';

describe('the summary of a plan', () => {
  it('that keeps IRSA shows the reason first, what to change to migrate all the same, and that nothing is left to do', () => {
    const reason = aCheck({
      id: 'unsupported-compute',
      status: 'fail',
      keepIrsa: true,
      message: '2 of 2 pods run on AWS Fargate.',
      remedy: 'Keep IRSA for this add-on. To migrate it all the same, run these pods on Linux nodes.',
    });
    const agent = aCheck({ id: 'agent', status: 'fail', message: 'not installed', remedy: 'install it' });
    const plan = aPlan({ verdict: 'keep-irsa', checks: [reason, agent, aCheck()] });
    const report = aReport({ outcome: 'blocked', plan });
    const lines = summary(report, PLAIN);
    expect(lines[0]).toMatch(/^= keep IRSA {2}.*: IRSA is the better fit, and nothing was changed$/);
    expect(lines.join('\n')).toMatch(
      /\n\nReason\n {2}= unsupported-compute: 2 of 2 pods run on AWS Fargate\.\n {6}do: Keep IRSA for this add-on\. To migrate it all the same, [^]*\n\nChecks {2}1 fail, 1 pass\n {2}✖ agent: not installed\n/,
    );
    expect(lines.filter((line) => line.includes('unsupported-compute'))).toHaveLength(1);
    expect(conclusion(report, { command: 'MIGRATE' }, PLAIN)).toEqual([
      '',
      '= keep IRSA: IRSA is the better fit, and nothing was changed.',
      'Nothing is left to do. To migrate it all the same, remove the reason and plan again:',
      '  MIGRATE --dry-run',
    ]);
    const quiet = summary(report, { ...PLAIN, detail: 'quiet' }).join('\n');
    expect(quiet).toMatch(/^= keep IRSA [^]*\nReason\n {2}= unsupported-compute: [^]*\nChecks\n {2}✖ agent: /);
  });
});
