/** What the parts of `hand-off patch` and `hand-off check` exchange. */

/** A file of the Terraform directory. `text` is exactly what it contains: line ends, byte order mark and all. */
export interface CodeFile {
  /** Relative to the directory, with forward slashes. */
  path: string;
  text: string;
}

/** A replacement of a region of a file. Offsets are UTF-16 code units, as those of JavaScript strings. */
export interface Edit {
  path: string;
  start: number;
  end: number;
  text: string;
}

/**
 * `changed`: an edit does it. `as-is`: the code already matches. `left`: a person must do it; `what`, `why` and `next`
 * explain it.
 */
export interface Finding {
  result: 'changed' | 'as-is' | 'left';
  /** The part of the hand-off that it is about. */
  about: 'addon' | 'association' | 'trust' | 'annotation' | 'version' | 'syntax';
  /** Absent if the code has no such place. */
  path?: string;
  /** First line is 1. */
  line?: number;
  what: string;
  why?: string;
  next?: string;
}

/** Edits do not overlap. Applying them to the files gives code for which no edit is left. */
export interface Patch {
  edits: Edit[];
  findings: Finding[];
}
