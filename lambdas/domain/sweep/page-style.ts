/** The page's style: the system's fonts, light and dark, and no sideways scrolling but inside of a box. */

/** Of each tone: colour behind, of the text, and of the edge; all text has at least 4.5:1 (WCAG 2.2, 1.4.3). */
const LIGHT = {
  good: ['#d8f1e1', '#0a5228', '#8fcfa8'],
  next: ['#dceafc', '#0b4687', '#9cc2ee'],
  stop: ['#fcebc4', '#634000', '#e2bf70'],
  bad: ['#fce0dd', '#8a1710', '#e9a6a0'],
  node: ['#ece4fa', '#4c2685', '#c4aeea'],
  quiet: ['#eceff2', '#444c56', '#c9d0d8'],
  unknown: ['#ffffff', '#39414c', '#7b8794'],
};
const DARK = {
  good: ['#12331f', '#93e2ae', '#2c6a44'],
  next: ['#122d4b', '#a3cdff', '#2f5f94'],
  stop: ['#3a2a0b', '#f4cf80', '#7c5e1f'],
  bad: ['#45191a', '#ffb8b2', '#8c3a38'],
  node: ['#30204c', '#d6c1ff', '#6a4ba3'],
  quiet: ['#252b33', '#bcc4ce', '#434c58'],
  unknown: ['#14181d', '#cbd3dc', '#7f8b99'],
};
const toneVariables = (tones: typeof LIGHT): string =>
  Object.entries(tones)
    .map(([tone, [behind, text, edge]]) => `--${tone}-b:${behind};--${tone}-t:${text};--${tone}-e:${edge};`)
    .join('');
const toneRules = Object.keys(LIGHT)
  .map(
    (tone) =>
      `.s-${tone}{background:var(--${tone}-b);color:var(--${tone}-t);border-color:var(--${tone}-e)}.t-${tone}{border-top-color:var(--${tone}-t)}.t-${tone} .sign{color:var(--${tone}-t)}.b-${tone}{fill:var(--${tone}-t)}`,
  )
  .join('\n');

export const STYLE = `
:root{color-scheme:light dark;--page:#f6f7f9;--card:#ffffff;--text:#1b2128;--soft:#505a66;--line:#d9dee4;--link:#0b5cad;--focus:#0b5cad;${toneVariables(LIGHT)}}
@media (prefers-color-scheme:dark){:root{--page:#0e1115;--card:#161b21;--text:#e7ebf0;--soft:#a6b0bc;--line:#2c343d;--link:#86bcff;--focus:#86bcff;${toneVariables(DARK)}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:86rem;padding:2rem clamp(1rem,3vw,2.5rem) 3rem;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
h1{font-size:2rem;line-height:1.2;margin:.25rem 0 .5rem;letter-spacing:-.01em}
h2{font-size:1.35rem;line-height:1.3;margin:3rem 0 .75rem;letter-spacing:-.005em}
h3{font-size:1rem;margin:1.5rem 0 .5rem}
p{margin:.5rem 0;max-width:80ch}
a{color:var(--link)}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.875em}
pre{background:var(--page);border:1px solid var(--line);border-radius:6px;padding:.75rem;overflow:auto;white-space:pre-wrap}
[hidden]{display:none!important}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px;border-radius:4px}
h2:focus,h2:focus-visible{outline:none}
.skip{position:absolute;left:-999rem;background:var(--card);color:var(--link);padding:.5rem 1rem;z-index:9}
.skip:focus{left:1rem;top:1rem}
.eyebrow{color:var(--soft);font-size:.875rem;margin:0}
.mode{font-size:1.05rem;color:var(--soft);margin:0 0 1rem}
.small,.about,.where,footer{font-size:.8125rem;color:var(--soft)}
.lead{font-size:1.15rem}
.notice{border:1px solid var(--stop-e);background:var(--stop-b);color:var(--stop-t);border-radius:8px;padding:.6rem .9rem;max-width:none}
.notice-bad{border-color:var(--bad-e);background:var(--bad-b);color:var(--bad-t)}
.facts{display:flex;flex-wrap:wrap;gap:.75rem 2rem;margin:1rem 0}
.facts div{min-width:0}
.facts dt{font-size:.8125rem;color:var(--soft)}
.facts dd{margin:0;font-variant-numeric:tabular-nums;unicode-bidi:isolate}
.request{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(16rem,100%),1fr))}
.bar{display:block;width:100%;height:14px;border-radius:7px;margin:.75rem 0;background:var(--line)}
.legend{list-style:none;margin:.5rem 0 1.25rem;padding:0;display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;font-size:.875rem}
.legend svg{width:.8em;height:.8em;margin-right:.4em}
.tiles{list-style:none;margin:.5rem 0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(min(10.5rem,100%),1fr));gap:.75rem}
.tile{display:flex;flex-direction:column;height:100%;padding:.8rem 1rem;background:var(--card);border:1px solid var(--line);border-top:4px solid;border-radius:8px;color:var(--text);text-decoration:none}
.tile:hover .name{text-decoration:underline}
.tile[aria-current]{outline:2px solid var(--focus);outline-offset:1px}
.count{font-size:1.75rem;line-height:1.2;font-weight:650;font-variant-numeric:tabular-nums}
.trend{font-size:.875rem;font-weight:500;color:var(--soft);margin-left:.25rem}
.name{font-weight:600}
.s{display:inline-block;padding:.05rem .5rem;border:1px solid;border-radius:999px;font-size:.8125rem;line-height:1.45;font-weight:550;text-decoration:none;white-space:nowrap}
.s-unknown{border-style:dashed}
a.s:hover{text-decoration:underline}
.sign{font-weight:700}
${toneRules}
.box{background:var(--card);border:1px solid var(--line);border-radius:8px;overflow:auto;max-width:100%}
.tall{max-height:min(44rem,80vh)}
table{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);font-size:.8125rem;padding:.6rem .75rem}
caption.hidden{display:block}
th,td{text-align:left;vertical-align:top;padding:.45rem .75rem;border-top:1px solid var(--line);unicode-bidi:isolate}
th{font-weight:600}
thead th{border-top:0;border-bottom:1px solid var(--line);background:var(--card);color:var(--soft);font-size:.8125rem;vertical-align:bottom}
.tall thead th{position:sticky;top:0;z-index:1}
.n{text-align:right;white-space:nowrap}
.why{color:var(--soft);min-width:10.5rem;max-width:22rem}
tbody th code{white-space:nowrap}
#list.found-only :is(th,td):is(:nth-child(6),:nth-child(8),:nth-child(9)){display:none}
#list{font-size:.8125rem}
#list th,#list td{padding:.45rem .55rem}
#list th[scope=row],#list td[data-label=Cluster]{min-width:9rem;max-width:18rem}
#list td[data-label=Account],#list td[data-label=Region]{white-space:nowrap}
thead button{all:unset;cursor:pointer;font-weight:600;color:var(--soft);white-space:nowrap}
thead button::after{content:"\\2195";opacity:.55;margin-left:.3em}
thead [aria-sort=ascending] button::after{content:"\\2191";opacity:1}
thead [aria-sort=descending] button::after{content:"\\2193";opacity:1}
thead button:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
#matrix{width:auto;min-width:100%}
#matrix th,#matrix td{padding:.4rem .45rem}
#matrix thead th{min-width:6rem;max-width:9rem;overflow-wrap:break-word}
#matrix .s{font-size:.75rem;padding:.05rem .4rem}
#matrix tbody th{position:sticky;left:0;background:var(--card);min-width:14rem;max-width:20rem;padding-left:.75rem;border-right:1px solid var(--line)}
#matrix thead th:first-child{left:0;padding-left:.75rem;z-index:2;border-right:1px solid var(--line)}
#matrix .name,#matrix .where,#matrix .note{display:block}
#matrix .where{font-weight:400;font-size:.75rem}
#matrix .where span{white-space:nowrap}
#matrix .note,#matrix .whole{font-weight:400;font-size:.8125rem;color:var(--soft)}
#filters{display:flex;flex-wrap:wrap;gap:.75rem 1rem;align-items:end;margin:1rem 0}
#filters label{display:flex;flex-direction:column;gap:.2rem;font-size:.8125rem;color:var(--soft);min-width:0}
#filters .text{flex:1 1 14rem}
#filters p{flex-basis:100%;margin:0;color:var(--soft)}
select,input,button{font:inherit;color:var(--text)}
select,input,#reset,.more,.close{background:var(--card);border:1px solid var(--unknown-e);border-radius:6px;padding:.4rem .7rem;min-height:2.5rem;max-width:100%}
input{width:100%}
::placeholder{color:var(--soft);opacity:1}
#reset,.more,.close,summary{cursor:pointer}
#reset:hover,.more:hover,.close:hover{border-color:var(--focus)}
.more{margin:.75rem 0}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(17rem,100%),1fr));gap:0 3rem}
dialog{width:min(46rem,calc(100vw - 2rem));max-height:calc(100vh - 3rem);overflow:auto;border:1px solid var(--line);border-radius:12px;background:var(--card);color:var(--text);padding:1.5rem}
dialog::backdrop{background:rgb(0 0 0 / 55%)}
dialog h2{margin:0 0 .5rem}
.checks{padding:0;list-style:none}
.checks li{border-left:4px solid var(--stop-e);padding:.1rem 0 .1rem .9rem;margin:.75rem 0}
.checks p,dialog p,td{white-space:pre-line}
footer{margin-top:3rem;border-top:1px solid var(--line);padding-top:.75rem}
@media (max-width:44rem){
body{padding-top:1.25rem}
h1{font-size:1.6rem}
.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}
.tall{max-height:none}
.cards,.cards tbody,.cards tr,.cards td,.cards tbody th,.cards caption,#matrix,#matrix tbody,#matrix tr,#matrix td,#matrix tbody th,#matrix caption{display:block;max-width:none;min-width:0;width:auto}
.cards thead{display:block}
.cards:not(#list) thead,#matrix thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
#list thead tr{display:flex;flex-wrap:wrap;gap:.25rem 1rem;padding:.5rem .75rem}
#list thead th{padding:0;border:0}
.cards tbody tr,#matrix tbody tr{border-top:1px solid var(--line);padding:.6rem .75rem}
.cards tbody th,.cards tbody td,#list tbody th,#list tbody td,#matrix tbody th,#matrix tbody td{border:0;padding:.15rem 0;position:static;text-align:left}
.cards td[data-label],#matrix td[data-label]{display:grid;grid-template-columns:minmax(0,7rem) minmax(0,1fr);gap:.75rem;justify-items:start}
#matrix td[data-label]{grid-template-columns:minmax(0,1fr) auto}
.cards td[data-label]::before,#matrix td[data-label]::before{content:attr(data-label);color:var(--soft);font-size:.8125rem}
.cards td:empty,#matrix td.none{display:none}
}
@media (prefers-reduced-motion:no-preference){.skip,.tile{transition:border-color .1s}}
@page{size:A4 landscape;margin:12mm}
@media print{
:root{color-scheme:light;--page:#ffffff;--card:#ffffff;--text:#000000;--soft:#404040;--line:#bbbbbb;--link:#000000;${toneVariables(LIGHT)}}
body{max-width:none;padding:0;font-size:10pt}
.skip,#filters,.more,thead button::after,dialog{display:none!important}
.tall,.box{max-height:none;overflow:visible;border:0}
.s,.bar,.tile{print-color-adjust:exact;-webkit-print-color-adjust:exact}
tr,.tile{break-inside:avoid}
h2,h3{break-after:avoid}
thead th,#matrix tbody th{position:static}
#matrix{table-layout:fixed;width:100%}
#matrix th,#matrix td{min-width:0;max-width:none;overflow-wrap:anywhere}
#matrix thead th:first-child{width:11rem}
#matrix .s,#matrix .where span{white-space:normal}
thead{display:table-header-group}
}
`;
