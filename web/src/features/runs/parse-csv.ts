/** Reads CSV after RFC 4180 (quotes doubled, line breaks within quotes), with `,`, `;` or tab in between. */
export function parseCsv(text: string, maxRows: number): { rows: string[][]; more: boolean } {
  const separator = separatorOf(text)
  const rows: string[][] = []
  let row: string[] = []
  let cell = ''
  let quoted = false
  for (let at = text.charCodeAt(0) === 0xfeff ? 1 : 0; at < text.length; at += 1) {
    const char = text[at]
    if (quoted) {
      if (char !== '"') cell += char
      else if (text[at + 1] === '"') {
        cell += '"'
        at += 1
      } else quoted = false
    } else if (char === '"' && cell === '') quoted = true
    else if (char === separator) {
      row.push(cell)
      cell = ''
    } else if (char === '\n' || char === '\r') {
      if (char === '\r' && text[at + 1] === '\n') at += 1
      rows.push([...row, cell])
      row = []
      cell = ''
      if (rows.length === maxRows) return { rows, more: at + 1 < text.length }
    } else cell += char
  }
  if (cell !== '' || row.length > 0) rows.push([...row, cell])
  return { rows, more: false }
}

/** The one of the three that is most frequent in the first line. */
function separatorOf(text: string): string {
  const line = text.slice(0, text.search(/[\r\n]|$/))
  const count = (char: string) => line.split(char).length
  return [',', ';', '\t'].reduce((best, char) => (count(char) > count(best) ? char : best))
}
