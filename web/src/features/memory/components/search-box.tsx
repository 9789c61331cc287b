import { LoaderCircle, Search } from 'lucide-react'
import { type RefObject, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Input } from '@/components/ui/field'
import { Kbd } from '@/components/ui/kbd'
import { useSettled } from '../use-settled'

interface Props {
  box: RefObject<HTMLInputElement | null>
  query: string
  isBusy: boolean
  /** Whether asking costs something: then the fingers rest longer before it is done. */
  isCostly: boolean
  onQuery: (query: string) => void
}

/** Where one asks. It is searched as one types, once the fingers rest, and at once with Enter. */
export function SearchBox({ box, query, isBusy, isCostly, onQuery }: Props) {
  const { t } = useTranslation('memory')
  const [text, setText, settle] = useSettled(query, onQuery, isCostly ? 1_500 : 150, trimmed)
  const [isFocused, setFocused] = useState(false)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        settle()
      }}
      className="relative"
    >
      <Search className="pointer-events-none absolute top-4 left-4 size-4 text-muted" aria-hidden="true" />
      <Input
        ref={box}
        type="search"
        aria-label={t('find.label')}
        placeholder={t('find.placeholder')}
        value={text}
        maxLength={1_000}
        autoComplete="off"
        spellCheck={false}
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
        onChange={(event) => setText(event.target.value)}
        className="h-12 !rounded-xl !pr-12 !pl-11 text-[0.9375rem] shadow-card"
      />
      <span className="pointer-events-none absolute inset-y-0 right-4 flex items-center" aria-hidden="true">
        {isBusy ? (
          <LoaderCircle className="size-4 animate-spin text-muted" />
        ) : isFocused || text ? null : (
          <span className="max-sm:hidden">
            <Kbd>/</Kbd>
          </span>
        )}
      </span>
    </form>
  )
}

function trimmed(text: string): string {
  return text.trim()
}
