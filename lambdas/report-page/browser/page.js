// The page's script (ECMAScript 2020), inserted unchanged: it builds elements and text from the data, never markup.
'use strict';
{
  const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
  /** @type {import('../rows.ts').PageData} */
  const { rows, statuses, simulated } = JSON.parse(byId('data').textContent);
  const form = /** @type {HTMLFormElement} */ (byId('filters'));
  const dialog = /** @type {HTMLDialogElement} */ (byId('detail'));
  const [list, matrix] = ['list', 'matrix'].map((id) => /** @type {HTMLTableElement} */ (byId(id)));
  const headOf = (/** @type {HTMLTableElement} */ { tHead }) => /** @type {HTMLTableSectionElement} */ (tHead);

  // Roles are repeated, because some screen readers ignore a table whose parts are displayed as blocks.
  const ROLES = { TABLE: 'table', THEAD: 'rowgroup', TBODY: 'rowgroup', TR: 'row', TD: 'cell' };
  const withRole = (element) => {
    const header = element.getAttribute('scope') === 'row' ? 'rowheader' : 'columnheader';
    const role = element.tagName === 'TH' ? header : ROLES[element.tagName];
    if (role) element.setAttribute('role', role);
    return element;
  };
  const create = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, value);
    element.append(...children.filter((child) => child !== undefined && child !== ''));
    return withRole(element);
  };
  const statusOf = (name) =>
    Object.prototype.hasOwnProperty.call(statuses, name) ? statuses[name] : { label: name, sign: '?', tone: 'unknown' };
  const sign = (text) => create('span', { class: 'sign', 'aria-hidden': 'true' }, text);
  const badge = (name) => {
    const { label, sign: character, tone } = statusOf(name);
    return create('span', { class: 's s-' + tone }, sign(character), ' ' + label);
  };
  const amount = (count) => count.toLocaleString('en');
  const counted = (count, one) => amount(count) + ' ' + one + (count === 1 ? '' : 's');
  const timeOf = (at) => at.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?Z$/, '$1 $2 UTC');

  for (const row of rows) {
    const words = [
      row.account,
      row.region,
      row.cluster,
      row.addon,
      row.version,
      statusOf(row.class).label,
      row.result && statusOf(row.result).label,
      row.evidence,
      row.why,
      row.reason,
      row.migrationId,
      row.heldBy,
      ...row.checks.map(({ id }) => id),
    ];
    row.text = words.filter(Boolean).join(' ').toLowerCase();
  }
  const byAnchor = new Map(rows.map((row) => [row.anchor, row]));
  const keys = {
    addon: (row) => row.addon,
    class: (row) => statusOf(row.class).label,
    outcome: (row) => row.result && statusOf(row.result).label,
  };
  const keyOf = (row, column) => (keys[column] ? keys[column](row) : row[column]) || undefined;

  // The URL holds the open row and the filters: #a-account/region/cluster/addon?class=blocked
  const FILTERS = ['class', 'outcome', 'place', 'q'];
  let params = new URLSearchParams();
  // A row takes more space as a card on a narrow screen than in a table on a wide one.
  const [rowsAtOnce, clustersAtOnce] = matchMedia('(max-width:44rem)').matches ? [40, 20] : [200, 60];
  let shownRows = rowsAtOnce;
  let shownClusters = clustersAtOnce;
  const addressOf = (anchor) => '#' + anchor + (params.toString() ? '?' + params : '');
  const readAddress = () => {
    const [anchor, ...query] = location.hash.slice(1).split('?');
    return { anchor, query: new URLSearchParams(query.join('?')) };
  };
  const setAddress = (anchor) => history.replaceState(null, '', addressOf(anchor));
  const setParam = (name, value) => {
    if (value) params.set(name, value);
    else params.delete(name);
  };

  const matches = () => {
    const [found, outcome, place, text] = FILTERS.map((name) => params.get(name) || '');
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return (row) =>
      (!found || row.class === found) &&
      (!outcome || row.result === outcome) &&
      (!place || place === row.account || place === row.account + '/' + row.region) &&
      words.every((word) => row.text.includes(word));
  };
  const sorted = (all) => {
    const column = params.get('sort');
    if (!column) return all;
    const direction = params.get('order') === 'descending' ? -1 : 1;
    const compare = (a, b) => (typeof a === 'number' ? a - b : a < b ? -1 : a > b ? 1 : 0);
    // Rows without a value come last in both orders.
    return all
      .map((row) => [keyOf(row, column), row])
      .sort(([a], [b]) =>
        a === undefined || b === undefined
          ? Number(a === undefined) - Number(b === undefined)
          : direction * compare(a, b),
      )
      .map(([, row]) => row);
  };

  const cell = (label, content, kind) =>
    create('td', { 'data-label': label, class: kind }, content === undefined ? '' : content);
  const levelOf = ({ level }) => (level ? create('span', { class: 'level' }, level) : '');
  const listRow = (row) =>
    create(
      'tr',
      {},
      create('th', { scope: 'row' }, create('a', { href: addressOf(row.anchor) }, row.what)),
      cell('Cluster', row.cluster),
      cell('Account', row.account),
      cell('Region', row.region),
      cell('Found', badge(row.class)),
      cell('Outcome', row.result && create('span', {}, badge(row.result), ' ', levelOf(row))),
      cell('Reason', row.why, 'why'),
      cell('Wave', row.wave === undefined ? undefined : String(row.wave), 'n'),
      cell('Duration', row.took, 'n'),
    );

  const counts = new Map();
  for (const { addon } of rows) if (addon) counts.set(addon, (counts.get(addon) || 0) + 1);
  const addons = Array.from(counts.keys()).sort((a, b) => counts.get(b) - counts.get(a) || (a < b ? -1 : 1));
  const link = (row) => {
    const { label, sign: character, tone } = statusOf(row.result || row.class);
    const where = [row.what, row.cluster].filter(Boolean).join(' on ');
    return create(
      'a',
      { class: 's s-' + tone, href: addressOf(row.anchor), 'aria-label': label + ', ' + where },
      sign(character),
      ' ' + label,
    );
  };
  const clusterRow = (members) => {
    const [first] = members;
    const where = [first.account, first.region, first.kubernetes]
      .filter(Boolean)
      .flatMap((text, index) => [index === 0 ? '' : ' · ', create('span', {}, text)]);
    const head = create(
      'th',
      { scope: 'row' },
      create('span', { class: 'name' }, first.cluster || 'whole region'),
      create('span', { class: 'where' }, ...where),
    );
    const whole = members.filter((row) => !row.addon);
    const notes = whole.map((row) => create('span', { class: 'note' }, link(row), ' ' + (row.reason || '')));
    const of = new Map(members.filter((row) => row.addon).map((row) => [row.addon, row]));
    const colspan = String(Math.max(1, addons.length));
    if (of.size === 0) return create('tr', {}, head, create('td', { colspan, class: 'whole' }, ...notes));
    head.append(...notes);
    return create(
      'tr',
      {},
      head,
      ...addons.map((addon) =>
        of.has(addon) ? create('td', { 'data-label': addon }, link(of.get(addon))) : create('td', { class: 'none' }),
      ),
    );
  };

  const more = (button, left, step, what) => {
    button.hidden = left <= 0;
    button.textContent = 'Show ' + amount(Math.min(step, left)) + ' more ' + what + ' (' + amount(left) + ' left)';
  };
  const show = () => {
    const kept = rows.filter(matches());
    const clusters = new Map();
    for (const row of kept) {
      const key = JSON.stringify([row.account, row.region, row.cluster]);
      if (!clusters.has(key)) clusters.set(key, []);
      clusters.get(key).push(row);
    }
    const inMatrix = Array.from(clusters.values());
    matrix.tBodies[0].replaceChildren(...inMatrix.slice(0, shownClusters).map(clusterRow));
    list.tBodies[0].replaceChildren(...sorted(kept).slice(0, shownRows).map(listRow));
    more(byId('more-rows'), kept.length - shownRows, rowsAtOnce, 'rows');
    more(byId('more-clusters'), inMatrix.length - shownClusters, clustersAtOnce, 'clusters');
    const named = inMatrix.filter(([first]) => first.cluster).length;
    byId('shown').textContent =
      `Showing ${amount(kept.length)} of ${counted(rows.length, 'row')}, in ${counted(named, 'cluster')}.`;
    for (const head of headOf(list).rows[0].cells) {
      if (head.dataset.sort === params.get('sort'))
        head.setAttribute('aria-sort', params.get('order') === 'descending' ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    }
    for (const name of FILTERS) {
      const field = /** @type {HTMLInputElement | null} */ (form.elements.namedItem(name));
      if (field && field.value.trim() !== (params.get(name) || '')) field.value = params.get(name) || '';
    }
    for (const tile of document.querySelectorAll('a.tile')) {
      const [[name, value]] = new URLSearchParams(/** @type {HTMLAnchorElement} */ (tile).hash.slice(2));
      if (params.get(name) === value) tile.setAttribute('aria-current', 'true');
      else tile.removeAttribute('aria-current');
    }
  };
  const showFromStart = () => {
    shownRows = rowsAtOnce;
    shownClusters = clustersAtOnce;
    show();
  };

  const term = (name, value) =>
    value === undefined || value === '' ? [] : [create('div', {}, create('dt', {}, name), create('dd', {}, value))];
  const check = ({ id, message, remedy }) =>
    create(
      'li',
      {},
      create('code', {}, id),
      create('p', {}, message),
      remedy ? create('p', { class: 'remedy' }, create('strong', {}, 'What to do: '), remedy) : undefined,
    );
  const open = (row) => {
    const close = create('button', { type: 'button', class: 'close' }, 'Close');
    close.addEventListener('click', () => dialog.close());
    const known = row.migrationId || row.heldBy;
    const details = row.migrationId ? 'Details of the migration:' : 'Details of the migration that holds the lock:';
    const facts = [
      ['Found', badge(row.class)],
      ['Outcome', row.result && badge(row.result)],
      ['Evidence', row.evidence],
      ['Account', row.account],
      ['Region', row.region],
      ['Cluster', row.cluster],
      ['Kubernetes', row.kubernetes],
      ['Version', row.version],
      ['Wave', row.wave === undefined ? undefined : String(row.wave)],
      ['Started', row.begunAt && timeOf(row.begunAt)],
      ['Ended', row.endedAt && timeOf(row.endedAt)],
      ['Duration', row.took && row.took + (simulated ? ' (simulated)' : '')],
      ['Migration', row.migrationId && create('code', {}, row.migrationId)],
      ['Held by', row.heldBy && create('code', {}, row.heldBy)],
    ];
    dialog.replaceChildren(
      create('h2', { id: 'detail-title', tabindex: '-1' }, row.what + (row.addon ? ' on ' + row.cluster : '')),
      create('dl', { class: 'facts' }, ...facts.flatMap(([name, value]) => term(name, value))),
      row.reason ? create('p', {}, row.reason) : '',
      row.failure
        ? create('p', { class: 'notice notice-bad' }, create('strong', {}, row.failure.name), ' ' + row.failure.message)
        : '',
      row.checks.length > 0 ? create('h3', {}, 'Blocking checks') : '',
      row.checks.length > 0 ? create('ul', { class: 'checks' }, ...row.checks.map(check)) : '',
      known ? create('p', {}, details) : '',
      known
        ? create('pre', { tabindex: '0' }, 'pod-identity show ' + known + (simulated ? ' --state FILE' : ' --deployed'))
        : '',
      close,
    );
    if (!dialog.open) dialog.showModal();
    byId('detail-title').focus();
  };
  dialog.addEventListener('close', () => setAddress(''));
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });

  const follow = () => {
    const { anchor, query } = readAddress();
    const row = byAnchor.get(anchor);
    // Any other anchor names a section of the page, and has no filters.
    if ((row || anchor === '') && query.toString() !== params.toString()) {
      params = query;
      showFromStart();
      if (!row) byId('fleet').focus();
    }
    if (row) open(row);
    else if (dialog.open) dialog.close();
  };
  window.addEventListener('hashchange', follow);

  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('input', ({ target }) => {
    const { name, value } = /** @type {HTMLInputElement} */ (target);
    setParam(name, value.trim());
    setAddress('');
    showFromStart();
  });
  byId('reset').addEventListener('click', () => {
    for (const name of FILTERS) params.delete(name);
    setAddress('');
    showFromStart();
  });
  byId('more-rows').addEventListener('click', () => {
    shownRows += rowsAtOnce;
    show();
  });
  byId('more-clusters').addEventListener('click', () => {
    shownClusters += clustersAtOnce;
    show();
  });

  for (const head of headOf(list).rows[0].cells) {
    const button = create('button', { type: 'button' }, head.textContent);
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const column = head.dataset.sort;
      setParam('order', params.get('sort') === column && params.get('order') !== 'descending' ? 'descending' : '');
      setParam('sort', column);
      setAddress('');
      showFromStart();
    });
  }
  document.querySelectorAll('table.cards, table.cards *, #matrix, #matrix *').forEach(withRole);
  headOf(matrix).append(
    create(
      'tr',
      {},
      create('th', { scope: 'col' }, 'Cluster'),
      ...addons.map((addon) => create('th', { scope: 'col' }, addon)),
    ),
  );
  for (const hidden of [form, byId('matrix-part')]) hidden.hidden = false;
  for (const note of document.querySelectorAll('#without, #cut')) note.remove();
  show();
  follow();
}
