/** Runs `hand-off patch` and `hand-off check`: compares Terraform code with a hand-off. */
import { counted, jsonText, printable } from '../../lambdas/domain/text/text.ts';
import { shellWord } from '../../lambdas/domain/text/shell.ts';
import type { HandOff } from '../../lambdas/domain/terms/hand-off.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Io, Output } from '../io.ts';
import type { Next } from '../print/next.ts';
import { styleFor } from '../text/style.ts';
import { diffOf } from './diff.ts';
import { type CodeOnDisk, readDirectory } from './directory.ts';
import { type CodeFlags, codeCommand, type Which, whichWords } from './options.ts';
import { codeLines, type Verdict } from './print.ts';
import { findHandOff } from './source.ts';
import { applyEdits, patchTerraform } from './terraform/index.ts';
import type { Finding } from './terraform/model.ts';
import { type Change, writeChanges } from './write.ts';

/** The code, compared with the hand-off. */
interface Compared {
  handOff: HandOff;
  before: CodeOnDisk[];
  changes: Change[];
  findings: Finding[];
}

/** Returns a finding whose commands select what this command does: the engine does not know it. */
const selecting = (finding: Finding, which: Which): Finding =>
  finding.next === undefined
    ? finding
    : { ...finding, next: finding.next.replaceAll(/\bMIGRATION_ID\b/g, () => whichWords(which).join(' ')) };

const compare = async ({ which, terraform }: CodeFlags, io: Io): Promise<Compared> => {
  // Before AWS is called: a wrong directory is the cheaper error.
  const before = readDirectory(terraform);
  const { handOff } = await findHandOff(which, io);
  const files = before.map(({ path, text }) => ({ path, text }));
  const { edits, findings: found } = await patchTerraform(files, handOff);
  const after = new Map(applyEdits(files, edits).map(({ path, text }) => [path, text]));
  const changes = before.flatMap((code) => {
    const text = after.get(code.path) ?? code.text;
    return text === code.text ? [] : [{ code, text }];
  });
  return { handOff, before, changes, findings: found.map((finding) => selecting(finding, which)) };
};

const leftIn = ({ findings }: Compared): Finding[] => findings.filter(({ result }) => result === 'left');
const matches = (compared: Compared): boolean => compared.changes.length === 0 && leftIn(compared).length === 0;

/** Prints the same document for both commands. */
const printJson = (compared: Compared, { terraform }: CodeFlags, written: boolean, io: Io): void => {
  const { handOff, changes, findings } = compared;
  io.stdout.write(
    `${jsonText(
      {
        terraform,
        matches: matches(compared),
        written,
        files: changes.map((change) => ({ path: change.code.path, diff: diffOf(change) })),
        findings,
        handOff,
      },
      2,
    )}\n`,
  );
};

/** Prints the diff as it is for other programs; a terminal gets no control characters. */
const printDiff = (changes: readonly Change[], output: Output): void => {
  const diff = changes.map(diffOf).join('');
  if (diff === '') return;
  output.write(
    output.isTTY === true
      ? diff
          .split('\n')
          .map((line) => printable(line.replace(/\r$/, '')))
          .join('\n')
      : diff,
  );
};

const patchedVerdict = (compared: Compared, { write }: CodeFlags): Verdict => {
  const left = leftIn(compared).length;
  const files = counted(compared.changes.length, 'file');
  const remaining = left === 0 ? '' : `; ${counted(left, 'place')} left to you`;
  if (compared.changes.length === 0)
    return left === 0
      ? { good: true, word: 'nothing to do', says: 'the code contains what it must' }
      : { good: false, word: 'left', says: `nothing can be patched; ${counted(left, 'place')} left to you` };
  return write
    ? { good: left === 0, word: 'patched', says: `${files} written${remaining}` }
    : { good: left === 0, word: 'not written', says: `${files} would change${remaining}` };
};

const checkAgain = (flags: CodeFlags): Next => ({
  why: 'Once that is done, check the code',
  command: codeCommand('check', { ...flags, write: false }),
});

const afterPatch = (compared: Compared, flags: CodeFlags): Next[] => {
  const isLeft = leftIn(compared).length > 0;
  if (compared.changes.length > 0 && !flags.write)
    return [{ why: 'To write it', command: codeCommand('patch', { ...flags, write: true }) }];
  if (isLeft) return [checkAgain(flags)];
  if (compared.changes.length === 0) return [];
  return [
    {
      why: 'To confirm it by an ordinary plan, which must show no changes of what was migrated',
      command: `terraform -chdir=${shellWord(flags.terraform)} plan`,
    },
  ];
};

/** Prints the diff, and writes it with `--write`. Returns 3 if something is left to a person. */
export const patch = async (flags: CodeFlags, io: Io): Promise<ExitCode> => {
  const compared = await compare(flags, io);
  const { before, changes, findings } = compared;
  const written = flags.write && changes.length > 0;
  if (written) writeChanges(flags.terraform, before, changes);
  if (flags.which.json) printJson(compared, flags, written, io);
  else {
    printDiff(changes, io.stdout);
    const style = styleFor(io.stderr);
    const code = { findings, directory: flags.terraform };
    const lines = codeLines(code, patchedVerdict(compared, flags), afterPatch(compared, flags), style);
    io.stderr.write(`${lines.join('\n')}\n`);
  }
  return leftIn(compared).length === 0 ? EXIT_CODES.ok : EXIT_CODES.blocked;
};

const checkedVerdict = (compared: Compared): Verdict =>
  matches(compared)
    ? { good: true, word: 'matches', says: 'the code contains what it must' }
    : {
        good: false,
        word: 'does not match',
        says:
          compared.changes.length === 0
            ? `${counted(leftIn(compared).length, 'place')} left to you`
            : 'the next apply of this code changes what the account has, or fails',
      };

const afterCheck = (compared: Compared, flags: CodeFlags): Next[] => {
  if (matches(compared)) return [];
  return compared.changes.length === 0
    ? [checkAgain(flags)]
    : [{ why: 'To print the change of the code', command: codeCommand('patch', { ...flags, write: false }) }];
};

/** Prints where the code differs. Returns 3 if it does. */
export const check = async (flags: CodeFlags, io: Io): Promise<ExitCode> => {
  const compared = await compare(flags, io);
  if (flags.which.json) printJson(compared, flags, false, io);
  else {
    const style = styleFor(io.stdout);
    const code = { findings: compared.findings, directory: flags.terraform };
    const lines = codeLines(code, checkedVerdict(compared), afterCheck(compared, flags), style);
    io.stdout.write(`${lines.join('\n')}\n`);
  }
  return matches(compared) ? EXIT_CODES.ok : EXIT_CODES.blocked;
};
