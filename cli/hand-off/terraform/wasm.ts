/** Where the WebAssembly of the HCL parser is: in the packages that contain it. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** WebAssembly of tree-sitter itself. */
export const PARSER_WASM = require.resolve('web-tree-sitter/web-tree-sitter.wasm');

/** WebAssembly of the grammar of Terraform's language. */
export const GRAMMAR_WASM = join(
  dirname(require.resolve('@tree-sitter-grammars/tree-sitter-hcl/package.json')),
  'tree-sitter-terraform.wasm',
);
