import { useQuery } from '@tanstack/react-query'
import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import { Disclosure } from '@/components/ui/disclosure'
import { ScrollRegion } from '@/components/ui/scroll-region'
import { formatNumber, formatScore } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import { weightsQuery } from '../api'
import { formatPercent, formatShare } from '../figures'
import { attributeName, featureMeaning, featureName, placeName } from '../names'
import { strongest } from '../score-bar'
import type { Rank, SearchHit } from '../wire'
import { Marked } from './marked'
import { FeatureMark } from './score-bar'

/** Why a hit stands where it stands. */
export function HitDetails({ hit }: { hit: SearchHit }) {
  const { t } = useTranslation('memory')
  return (
    <div data-testid="hit-details" className="mt-3 flex flex-col gap-5 rounded-lg bg-raised p-4 text-xs">
      <Graded rerank={hit.rerank} />
      <Parts hit={hit} />
      <div className="grid gap-5 sm:grid-cols-2">
        <Words hit={hit} />
        <Sides hit={hit} />
      </div>
      <Attributes hit={hit} />
      <Disclosure title={t('hit.whole')}>
        <ScrollRegion
          label={t('hit.whole')}
          className="max-h-72 rounded-lg border border-line-soft bg-surface p-3 text-[0.8125rem] leading-relaxed break-words whitespace-pre-wrap"
        >
          <Marked text={hit.text} words={hit.words} />
        </ScrollRegion>
      </Disclosure>
      <Around hit={hit} />
    </div>
  )
}

/** What a model made of it. */
function Graded({ rerank }: Pick<SearchHit, 'rerank'>) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  if (!rerank) return null
  const { grade, rank_before: rank } = rerank
  return (
    <p data-testid="graded" className="tabular-nums">
      {grade === null
        ? t('hit.ungraded', { rank })
        : t('hit.graded', { grade: formatNumber(grade, language, 1), rank })}
    </p>
  )
}

/** The hit between what stands around it in its document. */
function Around({ hit }: { hit: SearchHit }) {
  const { t } = useTranslation('memory')
  if (hit.before.length + hit.after.length === 0) return null
  const beside = (neighbours: SearchHit['before']) =>
    neighbours.map(({ chunk, text, place }) => (
      <div key={chunk}>
        <p className="text-xs">{placeName(place, t)}</p>
        <p>{text}</p>
      </div>
    ))
  return (
    <Disclosure title={t('hit.around', { count: hit.before.length + hit.after.length })}>
      <ScrollRegion
        label={t('hit.aroundRegion')}
        className="flex max-h-72 flex-col gap-3 rounded-lg border border-line-soft bg-surface p-3 text-[0.8125rem] leading-relaxed break-words whitespace-pre-wrap text-muted"
      >
        {beside(hit.before)}
        <p className="border-l-2 border-line pl-3 text-ink">
          <Marked text={hit.text} words={hit.words} />
        </p>
        {beside(hit.after)}
      </ScrollRegion>
    </Disclosure>
  )
}

const HEAD = 'border-b border-line py-1.5 font-medium text-muted'
const CELL = 'whitespace-nowrap border-b border-line-soft py-1.5 pl-3 text-right align-top tabular-nums'

function Parts({ hit }: { hit: SearchHit }) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const id = useId()
  const said = useQuery(weightsQuery).data ?? []
  const parts = strongest(hit.parts)
  const silent = hit.parts.filter((part) => !parts.includes(part))
  return (
    <section>
      <h3 id={id} className="mb-1 text-[0.8125rem] font-semibold">
        {t('hit.parts')}
      </h3>
      <ScrollRegion labelledBy={id}>
        <table className="w-full border-collapse">
          <thead>
            <tr>
              <th scope="col" className={`${HEAD} text-left`}>
                {t('hit.part')}
              </th>
              <th scope="col" className={`${HEAD} pl-3 text-right`}>
                {t('hit.value')}
              </th>
              <th scope="col" className={`${HEAD} pl-3 text-right`}>
                {t('hit.weight')}
              </th>
              <th scope="col" className={`${HEAD} pl-3 text-right`}>
                {t('hit.share')}
              </th>
            </tr>
          </thead>
          <tbody>
            {parts.map(({ feature, value, weight, share }) => (
              <tr key={feature}>
                <th scope="row" className="border-b border-line-soft py-1.5 text-left font-normal">
                  <span className="flex items-center gap-2 font-medium">
                    <FeatureMark feature={feature} /> {featureName(feature, t)}
                  </span>
                  <span className="mt-0.5 block text-muted">
                    {featureMeaning(feature, t, said.find((one) => one.feature === feature)?.meaning)}
                  </span>
                </th>
                <td className={CELL}>{formatScore(value, language)}</td>
                <td className={CELL}>× {formatScore(weight, language)}</td>
                <td className={`${CELL} font-medium`}>{formatShare(share, language)}</td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row" colSpan={3} className="py-1.5 text-left font-medium">
                {t('hit.score')}
              </th>
              <td className="py-1.5 text-right font-semibold tabular-nums">
                {formatScore(hit.score, language)}
              </td>
            </tr>
          </tfoot>
        </table>
      </ScrollRegion>
      {silent.length > 0 ? (
        <p className="mt-1 text-muted">
          {t('hit.silent', { parts: silent.map(({ feature }) => featureName(feature, t)).join(', ') })}
        </p>
      ) : null}
    </section>
  )
}

function Words({ hit }: { hit: SearchHit }) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  return (
    <section>
      <h3 className="mb-1.5 text-[0.8125rem] font-semibold">{t('hit.words')}</h3>
      {hit.words.length === 0 ? <p className="text-muted">{t('hit.noWords')}</p> : null}
      <ul className="flex flex-col gap-1">
        {hit.words.map(({ sought, found, likeness, weight }) => (
          <li key={sought} className="flex flex-wrap items-baseline gap-x-2">
            <span className="font-medium break-all">{sought}</span>
            <span className="min-w-0 flex-1 break-all text-muted">
              {found && likeness > 0
                ? likeness >= 0.999 && found === sought
                  ? t('hit.sameWord')
                  : t('hit.answered', { found, likeness: formatPercent(likeness, language) })
                : t('hit.unanswered')}
            </span>
            <span className="text-muted tabular-nums" title={t('hit.rarity')}>
              {formatNumber(weight, language, 1)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Sides({ hit }: { hit: SearchHit }) {
  const { t } = useTranslation('memory')
  const language = useLanguage()
  const said = (side: Rank | null) =>
    side
      ? t('hit.sideRank', { rank: side.rank, score: formatScore(side.score, language) })
      : t('hit.sideNone')
  return (
    <section>
      <h3 className="mb-1.5 text-[0.8125rem] font-semibold">{t('hit.sides')}</h3>
      <dl className="flex flex-col gap-1">
        {(['keyword', 'vector'] as const).map((side) => (
          <div key={side} className="flex flex-wrap gap-x-2">
            <dt className="font-medium">{t(`hit.${side}`)}</dt>
            <dd className="text-muted tabular-nums">{said(hit[side])}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function Attributes({ hit }: { hit: SearchHit }) {
  const { t } = useTranslation('memory')
  const facts = [
    [t('document.source'), hit.source],
    [t('document.format'), hit.format],
    ...Object.entries(hit.attributes).map(([name, value]) => [attributeName(name, t), value]),
  ]
  return (
    <dl aria-label={t('hit.attributes')} className="flex flex-wrap gap-x-4 gap-y-1 text-muted">
      {facts.map(([name, value]) =>
        value ? (
          <div key={name} className="flex min-w-0 gap-1.5">
            <dt>{name}</dt>
            <dd className="min-w-0 break-all text-ink">{value}</dd>
          </div>
        ) : null,
      )}
    </dl>
  )
}
