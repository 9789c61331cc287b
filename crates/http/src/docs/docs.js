// Shows openapi.json as a list of operations. Text is only ever set as text.
'use strict'

const METHODS = ['get', 'post', 'put', 'patch', 'delete']

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...children.filter((child) => child !== null && child !== undefined))
  return made
}

/** Text in which `backticks` mark code. */
function rich(text) {
  const parts = String(text ?? '').split('`')
  return parts.map((part, index) => (index % 2 ? element('code', {}, part) : part))
}

function resolve(api, schema) {
  if (!schema?.$ref) return schema
  return schema.$ref.split('/').slice(1).reduce((at, key) => at?.[key], api)
}

function typeOf(schema) {
  if (!schema) return 'any'
  if (schema.$ref) return schema.$ref.split('/').pop()
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const several = schema.oneOf ?? schema.anyOf ?? schema.allOf
  if (several) return several.map(typeOf).join(schema.allOf ? ' & ' : ' | ')
  if (schema.type === 'array') return `${typeOf(schema.items)}[]`
  return [schema.type ?? 'any'].flat().join(' | ')
}

/** An example of a schema, from the examples in it. */
function exampleOf(api, schema, depth = 0) {
  const found = resolve(api, schema)
  if (!found || depth > 6) return null
  if (found.example !== undefined) return found.example
  if (found.examples?.length) return found.examples[0]
  if (found.default !== undefined) return found.default
  if (found.enum) return found.enum[0]
  if (found.allOf) return Object.assign({}, ...found.allOf.map((part) => exampleOf(api, part, depth + 1)))
  const several = found.oneOf ?? found.anyOf
  if (several) return exampleOf(api, several.find((part) => part.type !== 'null'), depth + 1)
  const type = [found.type].flat()[0]
  if (type === 'array') return [exampleOf(api, found.items, depth + 1)]
  if (type === 'object') {
    const members = Object.entries(found.properties ?? {})
    return Object.fromEntries(members.map(([name, member]) => [name, exampleOf(api, member, depth + 1)]))
  }
  return { string: '…', integer: found.minimum ?? 0, number: 0, boolean: false }[type] ?? null
}

function table(rows) {
  return element('table', {}, element('tbody', {}, ...rows.map((cells) => element('tr', {}, ...cells))))
}

function cell(...children) {
  return element('td', {}, ...children)
}

function parametersOf(api, parameters) {
  const rows = parameters.map((parameter) => [
    cell(element('code', {}, parameter.name)),
    cell(element('span', { class: 'soft' }, `${parameter.in}${parameter.required ? ', required' : ''} · ${typeOf(parameter.schema)} `),
      ...rich(parameter.description)),
  ])
  return [element('h3', {}, 'Parameters'), table(rows)]
}

function contentOf(api, title, content) {
  const [type, media] = Object.entries(content ?? {})[0] ?? []
  if (!type?.includes('json') || type.includes('problem')) return []
  const example = media.example ?? exampleOf(api, media.schema)
  return [
    element('h3', {}, `${title} · ${typeOf(media.schema)}`),
    element('pre', { tabindex: '0' }, JSON.stringify(example, null, 2)),
  ]
}

function operationOf(api, path, method, operation) {
  const scopes = (operation.security ?? []).flatMap((need) => Object.values(need).flat())
  const open = !(operation.security ?? []).some((need) => Object.keys(need).length)
  const responses = Object.entries(operation.responses)
  const success = responses.find(([status]) => status < '300')
  const body = element('div', { class: 'body' },
    element('p', {}, ...rich(operation.description)),
    element('p', { class: 'soft' }, open ? 'Open to everyone.' : scopes.length ? `Needs the scope ${scopes[0]}.` : 'Needs any valid credentials.'),
    ...(operation.parameters?.length ? parametersOf(api, operation.parameters) : []),
    ...contentOf(api, 'Body', operation.requestBody?.content),
    ...(success ? contentOf(api, `Answer ${success[0]}`, success[1].content) : []),
    element('h3', {}, 'Statuses'),
    table(responses.map(([status, response]) => [cell(element('code', {}, status)), cell(...rich(response.description))])))
  const summary = element('summary', {},
    element('span', { class: `method ${method}` }, method.toUpperCase()),
    element('code', {}, path),
    element('span', {}, operation.summary ?? ''))
  const made = element('details', { id: operation.operationId }, summary, body)
  made.dataset.words = `${method} ${path} ${operation.summary} ${operation.description}`.toLowerCase()
  return made
}

function show(api) {
  const content = document.getElementById('content')
  const all = Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, operation: item[method] })))
  const sections = api.tags.map((tag) => {
    const own = all.filter(({ operation }) => operation.tags?.includes(tag.name))
    return element('section', {},
      element('h2', {}, tag.name), element('p', { class: 'soft' }, tag.description),
      ...own.map(({ path, method, operation }) => operationOf(api, path, method, operation)))
  })
  const intro = api.info.description.split('\n\n').map((text) => element('p', {}, ...rich(text)))
  content.replaceChildren(element('p', { class: 'soft' }, `Version ${api.info.version}`), ...intro, ...sections)
  content.setAttribute('aria-busy', 'false')
  const filter = document.getElementById('filter')
  filter.addEventListener('input', () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean)
    for (const section of sections) {
      let any = false
      for (const operation of section.querySelectorAll('details')) {
        operation.hidden = !words.every((word) => operation.dataset.words.includes(word))
        any ||= !operation.hidden
      }
      section.hidden = !any
    }
  })
  const named = location.hash && document.getElementById(location.hash.slice(1))
  if (named) {
    named.open = true
    named.scrollIntoView()
  }
}

fetch('/api/v1/openapi.json')
  .then((response) => (response.ok ? response.json() : Promise.reject(new Error(`HTTP ${response.status}`))))
  .then(show)
  .catch((error) => {
    document.getElementById('content').replaceChildren(
      element('p', {}, `The document could not be loaded (${error.message}). Reload the page to try again.`))
  })
