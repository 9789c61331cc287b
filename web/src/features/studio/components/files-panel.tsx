import { FileCode2 } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Notice } from '@/components/states/notices'
import { useMedia } from '@/lib/use-media'
import { keepStored, readStored, unsavedPaths } from '../stored'
import { FileBrowser } from './file-browser'
import { FileEditor } from './file-editor'
import { RecentFiles } from './recent-files'
import { Split } from './split'

interface Props {
  id: string
  file: string | undefined
  line: string | undefined
  onOpen: (file: string | undefined, line?: string) => void
}

const MOST_RECENT = 8

/** The files of a session: where they are, and the one that is open. */
export default function FilesPanel({ id, file, line, onOpen }: Props) {
  const { t } = useTranslation('studio')
  const narrow = useMedia('(max-width: 899px)')
  const [recent, setRecent] = useState(() => readStored<string[]>(`${id}.recent`, []))
  useWarnBeforeLeaving(id)

  useEffect(() => {
    if (!file) return
    setRecent((before) => {
      if (before.includes(file)) return before
      const next = [...before, file].slice(-MOST_RECENT)
      keepStored(`${id}.recent`, next)
      return next
    })
  }, [id, file])

  function forget(path: string) {
    const next = recent.filter((other) => other !== path)
    setRecent(next)
    keepStored(`${id}.recent`, next)
    if (path === file) onOpen(next.at(-1))
  }

  function moved(from: string, to: string | null) {
    const below = (path: string) => path === from || path.startsWith(`${from}/`)
    const next = recent.flatMap((path) => {
      if (!below(path)) return [path]
      return to === null ? [] : [to + path.slice(from.length)]
    })
    setRecent(next)
    keepStored(`${id}.recent`, next)
    if (file && below(file)) onOpen(to === null ? undefined : to + file.slice(from.length))
  }

  const browser = <FileBrowser id={id} file={file} onOpen={onOpen} onMoved={moved} />
  const editor = (
    <div className="flex h-full min-h-0 min-w-0 flex-col">
      <RecentFiles
        id={id}
        paths={recent}
        file={file}
        onOpen={(path) => onOpen(path)}
        onClose={forget}
        onBack={narrow ? () => onOpen(undefined) : undefined}
      />
      {file ? (
        <FileEditor
          key={file}
          id={id}
          path={file}
          line={line ? Number(line) || null : null}
          onGone={() => forget(file)}
        />
      ) : (
        <div className="grid flex-1 place-items-center">
          <Notice icon={<FileCode2 />} title={t('file.none')}>
            {t('file.noneHint')}
          </Notice>
        </div>
      )}
    </div>
  )
  if (narrow) return file ? editor : browser
  return (
    <Split
      name="files"
      label={t('file.resize')}
      initial={28}
      min={15}
      max={60}
      className="h-full"
      first={browser}
      second={editor}
    />
  )
}

/** Unsaved changes stay in this browser; leaving the page asks all the same. */
function useWarnBeforeLeaving(id: string): void {
  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => {
      if (unsavedPaths(id).length > 0) event.preventDefault()
    }
    addEventListener('beforeunload', warn)
    return () => removeEventListener('beforeunload', warn)
  }, [id])
}
