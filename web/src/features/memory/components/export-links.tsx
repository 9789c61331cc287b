import { Download } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { buttonClass } from '@/components/ui/button'
import { Select } from '@/components/ui/select'
import { exportUrl } from '../api'
import { EXPORT_FORMATS } from '../wire'

/** Everything, or one collection, as a file that can be imported again. */
export function ExportLinks({ collections }: { collections: string[] }) {
  const { t } = useTranslation('memory')
  const [collection, setCollection] = useState('')
  return (
    <>
      <p className="mb-3 text-[0.8125rem] text-muted">{t('exporting.lead')}</p>
      <div className="flex flex-wrap gap-2">
        <Select<string>
          label={t('exporting.what')}
          value={collection}
          onChange={setCollection}
          options={[
            { value: '', label: t('exporting.all') },
            ...collections.map((name) => ({ value: name, label: name })),
          ]}
          className="min-w-44 max-sm:flex-1"
        />
        {EXPORT_FORMATS.map((format) => (
          <a key={format} href={exportUrl(format, collection)} download className={buttonClass()}>
            <Download aria-hidden="true" /> {t(`exporting.as.${format}`)}
          </a>
        ))}
      </div>
    </>
  )
}
