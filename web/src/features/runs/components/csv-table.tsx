import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { ScrollRegion } from '@/components/ui/scroll-region'
import { parseCsv } from '../parse-csv'

const MAX_ROWS = 500

/** A CSV file as a table; the first row gives the names of the columns. */
export function CsvTable({ text, name }: { text: string; name: string }) {
  const { t } = useTranslation()
  const { rows, more } = useMemo(() => parseCsv(text, MAX_ROWS + 1), [text])
  const [head = [], ...body] = rows
  const numeric = head.map((_, column) => body.length > 0 && body.every((row) => isNumber(row[column])))
  return (
    <ScrollRegion label={name} className="max-h-[75vh]">
      <table className="w-full border-collapse text-[0.8125rem] tabular-nums">
        <thead className="sticky top-0 bg-surface">
          <tr>
            {head.map((cell, column) => (
              <th
                // biome-ignore lint/suspicious/noArrayIndexKey: a column is its place, names may repeat
                key={column}
                scope="col"
                className={`border-b border-line px-4 py-2.5 font-semibold whitespace-nowrap ${numeric[column] ? 'text-right' : 'text-left'}`}
              >
                {cell}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {body.map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place
            <tr key={index} className="hover:bg-raised">
              {head.map((_, column) => (
                <td
                  // biome-ignore lint/suspicious/noArrayIndexKey: a column is its place
                  key={column}
                  className={`border-b border-line-soft px-4 py-2 ${numeric[column] ? 'text-right' : 'text-left'} ${isShort(row[column]) ? 'whitespace-nowrap' : 'min-w-56'}`}
                >
                  {row[column]}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {more ? <p className="p-4 text-xs text-muted">{t('files.firstRows', { count: MAX_ROWS })}</p> : null}
    </ScrollRegion>
  )
}

/** A date, a code or a name is not broken over lines; only prose is. */
function isShort(cell: string | undefined): boolean {
  return (cell?.length ?? 0) <= 32
}

function isNumber(cell: string | undefined): boolean {
  return cell === undefined || cell === '' || /^[-+]?[\d.,\s%$€R]+$/.test(cell)
}
