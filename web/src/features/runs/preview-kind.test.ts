import { expect, test } from 'vitest'
import { previewKind } from './preview-kind'

test.each([
  ['chart.svg', 'image/svg+xml', 'image'],
  ['report.md', 'application/octet-stream', 'markdown'],
  ['data.csv', 'text/csv; charset=utf-8', 'csv'],
  ['page.html', 'text/html', 'text'],
  ['events.jsonl', 'application/x-ndjson', 'text'],
  ['archive.zip', 'application/zip', 'none'],
])('%s of type %s is shown as %s', (path, content_type, expected) => {
  expect(previewKind({ path, content_type })).toBe(expected)
})
