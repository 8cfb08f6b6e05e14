/** `wasm.ts` of the published package, in which the files are next to the bundle's chunks. */
import { join } from 'node:path';

export const PARSER_WASM = join(import.meta.dirname, 'web-tree-sitter.wasm');
export const GRAMMAR_WASM = join(import.meta.dirname, 'tree-sitter-terraform.wasm');
