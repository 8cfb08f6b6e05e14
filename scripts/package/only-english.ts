/** Leaves out of a bundle what only other languages need. */
import type { Plugin } from 'esbuild';

/** zod's messages in some fifty languages, which would be a third of the constructs, and half of what `--version` loads. */
export const onlyEnglish: Plugin = {
  name: 'zod in English only',
  setup: (bundling) => {
    bundling.onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      loader: 'js',
    }));
  },
};
