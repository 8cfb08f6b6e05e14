/** The files of a sweep: the reports that it writes, and the one of an earlier sweep that it reads. */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type SweepReport, sweepReport } from '../../lambdas/domain/sweep/report.ts';
import { CliError } from '../errors.ts';
import type { ReportFile } from './options.ts';
import type { ReadReport } from './service.ts';
import { writePrivate } from '../private-file.ts';

const whyOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const notWritable = (file: string, why: string, cause?: unknown): CliError =>
  new CliError(
    'FileNotWritable',
    `--report ${file} can't be written: ${why}`,
    'Name a file in a directory that exists and that you may write to',
    undefined,
    { cause },
  );

/** Before anything is started: a sweep may take hours. Nothing is made or changed yet. Throws a CliError. */
export const checkReportFiles = (files: readonly ReportFile[]): void => {
  for (const [index, { file }] of files.entries()) {
    if (files.some((other, at) => at < index && resolve(other.file) === resolve(file)))
      throw notWritable(file, 'it is named twice');
    try {
      const there = statSync(file, { throwIfNoEntry: false });
      if (there?.isDirectory()) throw new Error('it is a directory');
      accessSync(there ? file : dirname(resolve(file)), constants.W_OK);
    } catch (error) {
      throw notWritable(file, whyOf(error), error);
    }
  }
};

/** Throws a CliError for one that can't be written; those before it are. */
export const writeReports = (files: readonly ReportFile[], { texts }: ReadReport): void => {
  for (const { file, format } of files) {
    try {
      writePrivate(file, texts[format] ?? '');
    } catch (error) {
      throw notWritable(file, whyOf(error), error);
    }
  }
};

/** The JSON report of an earlier sweep. Throws a CliError for a file that is none. */
export const readPrevious = (file: string): SweepReport => {
  const unusable = (why: string, cause: unknown): CliError =>
    new CliError(
      'PreviousReport',
      `--previous ${file} ${why}`,
      'Name a file that sweep has written with --report FILE.json, or printed with --json',
      undefined,
      { cause },
    );
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw unusable(`can't be read: ${whyOf(error)}`, error);
  }
  try {
    return sweepReport.parse(JSON.parse(text));
  } catch (error) {
    throw unusable('is not the JSON report of a sweep', error);
  }
};
