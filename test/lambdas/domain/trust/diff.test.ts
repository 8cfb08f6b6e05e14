import { diffLines } from 'diff';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffPolicies } from '../../../../lambdas/domain/trust/diff.ts';
import { bothWays, irsaStatement, podIdentityStatement, policyText } from '../../fixtures.ts';
import { ec2, irsa, statementLists } from './policies.ts';
import { forAllIn } from '../../../for-all.ts';

const pretty = (text: string): string[] => JSON.stringify(JSON.parse(text), undefined, 2).split('\n');
const side = (lines: string[], mark: '- ' | '+ '): string[] =>
  lines.filter((line) => line.startsWith('  ') || line.startsWith(mark)).map((line) => line.slice(2));

describe('diffPolicies', () => {
  it('shows added lines, and the whole of a short policy around them', () => {
    const lines = diffPolicies(policyText(ec2), policyText(ec2, { Sid: 'B' }));
    expect(lines).toEqual([
      '  {',
      '    "Version": "2012-10-17",',
      '    "Statement": [',
      '      {',
      '        "Sid": "Ec2",',
      '        "Effect": "Allow",',
      '        "Principal": {',
      '          "Service": "ec2.amazonaws.com"',
      '        },',
      '        "Action": "sts:AssumeRole"',
      '+     },',
      '+     {',
      '+       "Sid": "B"',
      '      }',
      '    ]',
      '  }',
    ]);
  });

  it('is empty if only white space or the encoding changes', () => {
    expect(diffPolicies(bothWays, JSON.stringify(JSON.parse(bothWays), undefined, 7))).toEqual([]);
    expect(diffPolicies(encodeURIComponent(bothWays), bothWays)).toEqual([]);
  });

  it('shows three lines around each change of a long policy', () => {
    const many = Array.from({ length: 12 }, (_, index) => ({ Sid: `S${index}`, ...ec2 }));
    const lines = diffPolicies(
      policyText(...many),
      policyText(...many.map((one, index) => (index === 2 || index === 9 ? { ...one, Action: 'sts:*' } : one))),
    );
    expect(lines.filter((line) => line.startsWith('- '))).toEqual(Array(2).fill('-       "Action": "sts:AssumeRole"'));
    expect(lines.filter((line) => line.startsWith('+ '))).toEqual(Array(2).fill('+       "Action": "sts:*"'));
    expect(lines.filter((line) => line === '  …')).toHaveLength(3);
    expect(lines).toHaveLength(2 * (3 + 2 + 3) + 3);
    expect([lines[0], lines.at(-1)]).toEqual(['  …', '  …']);
  });

  it('compares texts that are not JSON by their own lines', () =>
    expect(diffPolicies('a\nb', 'a\nc')).toEqual(['  a', '- b', '+ c']));

  it('does not compare very long policies line by line', () => {
    const text = (mark: string): string => Array.from({ length: 3000 }, (_, index) => `${mark}${index}`).join('\n');
    expect(diffPolicies(text('a'), text('b'))).toHaveLength(6000);
  });

  it('turns one policy into the other, with the fewest changes', () =>
    forAllIn(150, statementLists, statementLists, (one, other) => {
      const [before, after] = [policyText(...one), policyText(...other)];
      const lines = diffPolicies(before, after);
      fc.pre(lines.length > 0 && !lines.includes('  …'));
      expect([side(lines, '- '), side(lines, '+ ')]).toEqual([pretty(before), pretty(after)]);
      const changes = diffLines(`${pretty(before).join('\n')}\n`, `${pretty(after).join('\n')}\n`).filter(
        (part) => part.added || part.removed,
      );
      expect(lines.filter((line) => !line.startsWith('  '))).toHaveLength(
        changes.reduce((sum, part) => sum + part.count, 0),
      );
    }));

  it('shows a retirement as removed lines', () => {
    const lines = diffPolicies(
      policyText(podIdentityStatement, irsaStatement, irsa('x')),
      policyText(podIdentityStatement, irsa('x')),
    );
    expect(lines.some((line) => line.startsWith('+ '))).toBe(false);
    expect(lines.filter((line) => line.startsWith('- ')).join('\n')).toContain('ebs-csi-controller-sa');
  });
});
