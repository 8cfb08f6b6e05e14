/** Files of a sweep: the reports that it writes, and the report of an earlier sweep that it reads. */
import { inCurrentForm } from '../../lambdas/domain/acceptance/former.ts';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type SweepReport, sweepReport } from '../../lambdas/domain/sweep/report.ts';
import { CliError, reasonOf } from '../errors.ts';
import type { ReportFile } from './options.ts';
import type { ReadReport } from '../service/sweep-service.ts';
import { writePrivate } from '../private-file.ts';

const notWritable = (file: string, why: string, cause?: unknown): CliError =>
  new CliError(
    'FileNotWritable',
    `--report ${file} cannot be written: ${why}`,
    'Name a file in an existing directory that you may write to',
    undefined,
    { cause },
  );

/** Throws a CliError for an unwritable report, before a sweep of hours starts. Creates and changes nothing. */
export const checkReportFiles = (files: readonly ReportFile[]): void => {
  for (const [index, { file }] of files.entries()) {
    if (files.some((other, at) => at < index && resolve(other.file) === resolve(file)))
      throw notWritable(file, 'it is named twice');
    try {
      const there = statSync(file, { throwIfNoEntry: false });
      if (there?.isDirectory()) throw new Error('it is a directory');
      accessSync(there ? file : dirname(resolve(file)), constants.W_OK);
    } catch (error) {
      throw notWritable(file, reasonOf(error), error);
    }
  }
};

/** Writes the reports. Throws a CliError for the first that cannot be written; earlier ones are written. */
export const writeReports = (files: readonly ReportFile[], { texts }: ReadReport): void => {
  for (const { file, format } of files) {
    try {
      writePrivate(file, texts[format] ?? '');
    } catch (error) {
      throw notWritable(file, reasonOf(error), error);
    }
  }
};

/** Reads the JSON report of an earlier sweep. Throws a CliError for any other file. */
export const readPrevious = (file: string): SweepReport => {
  const unusable = (why: string, cause: unknown): CliError =>
    new CliError(
      'PreviousReport',
      `--previous ${file} ${why}`,
      'Name a file that sweep wrote with --report FILE.json, or printed with --json',
      undefined,
      { cause },
    );
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw unusable(`cannot be read: ${reasonOf(error)}`, error);
  }
  try {
    return sweepReport.parse(inCurrentForm(JSON.parse(text)));
  } catch (error) {
    throw unusable('is not the JSON report of a sweep', error);
  }
};
