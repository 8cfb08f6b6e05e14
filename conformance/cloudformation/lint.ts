/** Checks templates with cfn-lint. `.cfnlintrc.yaml` has the checks that are left out. */
import { execFile } from 'node:child_process';
import { ROOT } from '../build/program.ts';
import type { Difference } from '../reasons.ts';

interface Finding {
  Level: string;
  Location: { Path: (string | number)[] | null };
  Message: string;
  Rule: { Id: string };
}

/** Runs a program, and resolves with its output whatever its exit code is. Rejects if it cannot be started. */
const outputOf = (program: string, args: readonly string[]): Promise<{ output: string; errors: string }> =>
  new Promise((resolve, reject) => {
    execFile(program, args, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 }, (error, output, errors) => {
      if (error && typeof error.code === 'string') reject(error);
      else resolve({ output, errors });
    });
  });

/** Returns the findings of cfn-lint's JSON. */
export const findingsOf = (output: string): Difference[] =>
  (JSON.parse(output) as Finding[]).map(
    ({ Level: level, Location: { Path: path }, Message: message, Rule: { Id: id } }) => ({
      what: `cfn-lint ${id} ${(path ?? []).join('.')}`,
      real: `${level}: ${message}`,
      sandbox: 'no finding',
    }),
  );

/** Returns what cfn-lint finds in a template. */
export const lint = async (program: string, template: string): Promise<Difference[]> => {
  const { output, errors } = await outputOf(program, ['--format', 'json', '--template', template]);
  try {
    return findingsOf(output);
  } catch {
    return [
      { what: 'cfn-lint', real: `ended without findings: ${errors.trim().slice(0, 500)}`, sandbox: 'no finding' },
    ];
  }
};
