/** Edits of the body of a resource: attributes and blocks are removed and added, and everything else stays as it is. */
import { align } from './alignment.ts';
import {
  blankAfter,
  blankBefore,
  closesAfter,
  commentLinesAbove,
  commentsIn,
  elementLines,
  indentAt,
  lineAt,
  linesToRemove,
  newlineOf,
  opensBefore,
  withCommentsBehind,
} from './lines.ts';
import type { Edit } from './model.ts';
import type { Attribute, Block, Body, Comment, ParsedFile, Span } from './syntax.ts';

/** A block to add. Values are the text of expressions. */
export interface NewBlock {
  type: string;
  attributes: readonly { name: string; value: string }[];
}

export interface BodyChange {
  /** The attribute that is removed. Its comments go to the first block that is added. */
  remove?: Attribute;
  /** Blocks that are removed. If `set` is given, their comments go to its attribute. */
  drop: readonly Block[];
  /** Blocks that are added, in this order. */
  add: readonly NewBlock[];
  /** The attribute that is added, and the names of those below which it belongs. */
  set?: { name: string; value: string; below: readonly string[] };
}

/** Elements that belong at the end of a resource, by convention. */
const AT_THE_END = new Set(['depends_on', 'lifecycle', 'timeouts']);

const nameOf = (element: Attribute | Block): string => (element.is === 'attribute' ? element.name : element.type);

/** Comments that move: one that follows a value in its line, and others that get lines of their own. */
interface Moved {
  behind?: string;
  above: string[];
}

/** Returns where the comments go. Only one can follow a value, and none where the value has several lines. */
const movedOf = (comments: readonly Comment[], above: readonly string[], value: string | undefined): Moved => {
  const texts = comments.map(({ text }) => text);
  const [only, ...more] = texts;
  if (only !== undefined && more.length === 0 && value !== undefined && !`${value}${only}`.includes('\n'))
    return { behind: only, above: [...above] };
  return { above: [...above, ...texts] };
};

/** Indents the second and later lines of a value once more; those of a heredoc, which are text, stay. */
const indented = (value: string, unit: string): string =>
  value.includes('<<') ? value : value.replaceAll(/\n(?=[^\r\n])/g, `\n${unit}`);

/** Writes blocks and attributes in the manner of the file. */
class Writer {
  private readonly newline: string;
  private readonly indent: string;
  private readonly unit: string;

  constructor(file: ParsedFile, { start }: Span, elements: Body['elements']) {
    const outer = indentAt(file.text, start);
    const [first] = elements;
    this.newline = newlineOf(file);
    this.indent = first === undefined ? `${outer}  ` : indentAt(file.text, first.start);
    const unit = this.indent.slice(outer.length);
    this.unit = unit === '' ? '  ' : unit;
  }

  lines(texts: readonly string[], indent = this.indent): string {
    return texts.map((text) => `${indent}${text}${this.newline}`).join('');
  }

  block({ type, attributes }: NewBlock, { behind, above }: Moved): string {
    const single = attributes.filter(({ value }) => !value.includes('\n'));
    const width = Math.max(...single.map(({ name }) => name.length));
    const inner = attributes.map(({ name, value }, index) => {
      const padded = value.includes('\n') ? name : name.padEnd(width);
      return `${padded} = ${indented(value, this.unit)}${index === 0 && behind !== undefined ? ` ${behind}` : ''}`;
    });
    return [this.lines([...above, `${type} {`]), this.lines(inner, this.indent + this.unit), this.lines(['}'])].join(
      '',
    );
  }

  /** Writes blocks with blank lines between. The first gets the comments. */
  blocks(blocks: readonly NewBlock[], moved: Moved): string {
    return blocks.map((block, index) => this.block(block, index === 0 ? moved : { above: [] })).join(this.newline);
  }

  get blank(): string {
    return this.newline;
  }
}

/** Returns whether the comments above an attribute are about it alone, and not about the group that it starts. */
const areItsOwn = (text: string, above: Span, lines: Span): boolean =>
  blankAfter(text, lines) || closesAfter(text, lines) || !(blankBefore(text, above) || opensBefore(text, above));

/** Joins regions that overlap or have only white space between. */
const joined = (text: string, spans: readonly Span[]): Span[] =>
  spans
    .toSorted((a, b) => a.start - b.start)
    .reduce<Span[]>((all, span) => {
      const last = all.at(-1);
      if (last !== undefined && text.slice(last.end, span.start).trim() === '') {
        all[all.length - 1] = { start: last.start, end: Math.max(last.end, span.end) };
        return all;
      }
      return [...all, span];
    }, []);

/** Joins deletions that touch or overlap, so that the blank lines around and between them become one. */
const withoutOverlap = (text: string, edits: readonly Edit[]): Edit[] =>
  edits
    .toSorted((a, b) => a.start - b.start || a.end - b.end)
    .reduce<Edit[]>((all, edit) => {
      const last = all.at(-1);
      if (last === undefined || last.text !== '' || edit.text !== '' || edit.start > last.end) return [...all, edit];
      const both = { start: last.start, end: Math.max(last.end, edit.end) };
      all[all.length - 1] = { ...last, ...linesToRemove(text, both) };
      return all;
    }, []);

/** Returns the edits of the body of a block. */
export function editBody(file: ParsedFile, block: Block, change: BodyChange): Edit[] {
  return new BodyEdit(file, block, change).edits();
}

class BodyEdit {
  private readonly file: ParsedFile;
  private readonly body: Body;
  private readonly change: BodyChange;
  private readonly writer: Writer;

  constructor(file: ParsedFile, block: Block, change: BodyChange) {
    this.file = file;
    this.body = block.body;
    this.change = change;
    this.writer = new Writer(file, block, block.body.elements);
  }

  edits(): Edit[] {
    const { remove, add } = this.change;
    const dropped = this.dropEdits();
    if (remove !== undefined)
      return withoutOverlap(this.file.text, [...this.removalEdits(remove, dropped), ...dropped]);
    const inserted = add.length === 0 ? [] : [this.insertion(this.anchor(), { above: [] }, dropped)];
    return [...this.settingEdits(), ...inserted, ...dropped];
  }

  /** Returns the element below which blocks are added: the last block of the same type, or what is not at the end. */
  private anchor(): Attribute | Block {
    const { add, drop } = this.change;
    const { elements } = this.body;
    const kept = elements.filter((element) => !drop.includes(element as Block));
    const anchor =
      kept.findLast((element) => element.is === 'block' && element.type === add[0]?.type) ??
      kept.findLast((element) => !AT_THE_END.has(nameOf(element))) ??
      kept.at(-1);
    // A resource that is edited has been recognized by its attributes.
    if (anchor === undefined) throw new Error(`${this.file.path}: The block to edit is empty.`);
    return anchor;
  }

  /** Returns the edit that adds the blocks below an element. `gone` are regions that are removed. */
  private insertion(anchor: Span, moved: Moved, gone: readonly Span[]): Edit {
    const { text, path } = this.file;
    const at = elementLines(this.file, anchor);
    const next = gone
      .toSorted((a, b) => a.start - b.start)
      .reduce((end, span) => (span.start <= end && span.end > end ? span.end : end), at.end);
    const followed = { start: at.start, end: next };
    const after = blankAfter(text, followed) || closesAfter(text, followed) ? '' : this.writer.blank;
    const written = this.writer.blank + this.writer.blocks(this.change.add, moved) + after;
    return { path, start: at.end, end: at.end, text: written };
  }

  /** Returns the comments of an attribute: behind and within it, and above it if they are its own. */
  private commentsOf(attribute: Attribute, valueKept: boolean): { comments: Comment[]; above?: Span; texts: string[] } {
    const { text } = this.file;
    const lines = elementLines(this.file, attribute);
    const behind = { start: attribute.end, end: withCommentsBehind(this.file, attribute).end };
    const inside = commentsIn(this.file, attribute).filter(
      ({ start }) => !valueKept || start < attribute.value.start || start >= attribute.value.end,
    );
    const above = commentLinesAbove(this.file, attribute);
    const own = above !== undefined && areItsOwn(text, above, lines) ? above : undefined;
    return {
      comments: [...inside, ...commentsIn(this.file, behind)],
      ...(own && { above: own }),
      texts: own === undefined ? [] : commentsIn(this.file, own).map((comment) => comment.text),
    };
  }

  private removalEdits(remove: Attribute, gone: readonly Span[]): Edit[] {
    const { text, path } = this.file;
    const { add } = this.change;
    const lines = elementLines(this.file, remove);
    const value = add[0]?.attributes[0]?.value;
    const isKept = value === text.slice(remove.value.start, remove.value.end);
    const own = this.commentsOf(remove, isKept);
    const moved = movedOf(own.comments, [], value);
    const anchor = add.length === 0 ? undefined : this.anchor();
    if (anchor === undefined) {
      const kept = this.writer.lines(own.comments.map((comment) => comment.text));
      if (kept === '') {
        const span = own.above === undefined ? linesToRemove(text, lines) : lines;
        return [{ path, ...span, text: '' }, ...this.aligned({ removed: [span] })];
      }
      return [{ path, ...lines, text: kept }, ...this.aligned({ removed: [], replaced: [lines] })];
    }
    if (anchor === remove) return this.replacementEdits(lines, own.above, moved);
    const span = linesToRemove(text, { start: own.above?.start ?? remove.start, end: lines.end });
    return [
      { path, ...span, text: '' },
      this.insertion(anchor, { ...moved, above: [...own.texts, ...moved.above] }, [span, ...gone]),
      ...this.aligned({ removed: [span] }),
    ];
  }

  /** Returns the edits that put the blocks where the attribute is. Comments above it stay. */
  private replacementEdits(lines: Span, above: Span | undefined, moved: Moved): Edit[] {
    const { text, path } = this.file;
    const top = above ?? lines;
    const before = blankBefore(text, top) || opensBefore(text, top) ? '' : this.writer.blank;
    const after = blankAfter(text, lines) || closesAfter(text, lines) ? '' : this.writer.blank;
    const written = this.writer.blocks(this.change.add, moved) + after;
    const apart =
      above !== undefined && before !== '' ? [{ path, start: top.start, end: top.start, text: before }] : [];
    return [
      ...apart,
      { path, ...lines, text: above === undefined ? before + written : written },
      ...this.aligned({ removed: [], replaced: [lines] }),
    ];
  }

  private aligned(change: Parameters<typeof align>[2]): Edit[] {
    return align(this.file, this.body, change).edits;
  }

  private dropEdits(): Edit[] {
    const { text, path } = this.file;
    const { drop, set } = this.change;
    const spans = joined(
      text,
      drop.map((block) => {
        const above = set === undefined ? undefined : commentLinesAbove(this.file, block);
        return { start: above?.start ?? block.start, end: withCommentsBehind(this.file, block).end };
      }),
    ).map((span) => linesToRemove(text, span));
    return joined(text, spans).map((span) => ({ path, ...span, text: '' }));
  }

  private settingEdits(): Edit[] {
    const { text, path } = this.file;
    const { set, drop } = this.change;
    if (set === undefined) return [];
    const above = drop.flatMap((block) => {
      const span = commentLinesAbove(this.file, block);
      return span === undefined ? [] : commentsIn(this.file, span).map((comment) => comment.text);
    });
    const within = drop.flatMap((block) => commentsIn(this.file, withCommentsBehind(this.file, block)));
    const moved = movedOf(within, above, set.value);
    const { elements } = this.body;
    const anchor = elements.findLast((element) => set.below.includes(nameOf(element))) ?? elements[0];
    const at = anchor === undefined ? lineAt(text, this.body.start).end : elementLines(this.file, anchor).end;
    const commented = moved.above.length > 0;
    const { edits, spaces } = align(this.file, this.body, {
      removed: [],
      added: { name: set.name, at, commented },
    });
    const gap = set.value.includes('\n') ? ' ' : ' '.repeat(spaces);
    const behind = moved.behind === undefined ? '' : ` ${moved.behind}`;
    const written = this.writer.lines([...moved.above, `${set.name}${gap}= ${set.value}${behind}`]);
    return [{ path, start: at, end: at, text: written }, ...edits];
  }
}
