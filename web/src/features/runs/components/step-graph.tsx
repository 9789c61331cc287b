import { type KeyboardEvent, useMemo, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { cn } from '@/lib/cn'
import { formatDuration } from '@/lib/format'
import { useLanguage } from '@/lib/use-language'
import type { Step } from '../api'
import { type GraphSize, layoutGraph, type PlacedNode } from '../graph-layout'
import { StepKindIcon, StepStatusMark } from './status'

const SIZE: GraphSize = { nodeWidth: 206, nodeHeight: 68, gapX: 14, gapY: 28 }
const MARGIN = 4

interface Props {
  steps: readonly Step[]
  selected: string | undefined
  onSelect: (name: string) => void
}

/** The steps of a run as a graph, from the first at the top to the last. Arrow keys walk along it. */
export function StepGraph({ steps, selected, onSelect }: Props) {
  const { t } = useTranslation()
  const box = useRef<HTMLDivElement>(null)
  const shape = JSON.stringify(steps.map(({ name, depends_on }) => ({ name, depends_on })))
  const layout = useMemo(() => layoutGraph(JSON.parse(shape), SIZE), [shape])
  const byName = new Map(steps.map((step) => [step.name, step]))
  const width = layout.width + 2 * MARGIN
  const height = layout.height + 2 * MARGIN

  function walk(event: KeyboardEvent, from: PlacedNode) {
    const next = neighbour(layout.nodes, from, event.key)
    if (!next) return
    event.preventDefault()
    box.current?.querySelector<HTMLElement>(`[data-step="${CSS.escape(next.name)}"]`)?.focus()
  }

  return (
    <section
      ref={box}
      aria-label={t('run.graph')}
      className="max-h-[75vh] overflow-auto rounded-xl p-4 [background-image:radial-gradient(var(--line-soft)_1px,transparent_1px)] [background-size:18px_18px]"
    >
      <div className="relative mx-auto" style={{ width, height }}>
        <svg width={width} height={height} className="absolute inset-0" aria-hidden="true">
          <g transform={`translate(${MARGIN} ${MARGIN})`} fill="none" strokeWidth="1.5">
            {layout.edges.map((edge) => {
              const done = byName.get(edge.from)?.status === 'completed'
              return (
                <path
                  key={`${edge.from} ${edge.to}`}
                  d={edge.path}
                  className={done ? 'stroke-slate' : 'stroke-line'}
                  strokeDasharray={done ? undefined : '4 4'}
                />
              )
            })}
          </g>
        </svg>
        {layout.nodes.map((node) => {
          const step = byName.get(node.name)
          return step ? (
            <GraphNode
              key={node.name}
              node={node}
              step={step}
              selected={selected === node.name}
              onSelect={onSelect}
              onKeyDown={(event) => walk(event, node)}
            />
          ) : null
        })}
      </div>
    </section>
  )
}

interface NodeProps {
  node: PlacedNode
  step: Step
  selected: boolean
  onSelect: (name: string) => void
  onKeyDown: (event: KeyboardEvent) => void
}

function GraphNode({ node, step, selected, onSelect, onKeyDown }: NodeProps) {
  const { t } = useTranslation()
  const language = useLanguage()
  return (
    <button
      type="button"
      data-step={step.name}
      data-status={step.status}
      aria-pressed={selected}
      onClick={() => onSelect(step.name)}
      onKeyDown={onKeyDown}
      title={step.title}
      className={cn(
        'absolute flex items-center gap-2.5 rounded-lg border bg-surface px-3 text-left transition-[border-color,box-shadow]',
        selected ? 'border-focus shadow-float ring-1 ring-focus' : 'border-line hover:border-slate',
        step.status === 'pending' && 'border-dashed',
        step.status === 'running' && 'shadow-float',
      )}
      style={{
        left: node.x + MARGIN,
        top: node.y + MARGIN,
        width: SIZE.nodeWidth,
        height: SIZE.nodeHeight,
      }}
    >
      <StepStatusMark status={step.status} />
      <span className="min-w-0 flex-1">
        <span className="line-clamp-2 text-[0.8125rem] leading-[1.25] break-words font-medium">
          {step.title}
        </span>
        <span className="mt-1 flex items-center gap-1.5 text-[0.6875rem] leading-none text-muted">
          <StepKindIcon kind={step.kind} className="!size-3" />
          {t(`stepStatus.${step.status}`)}
          {step.duration_ms === null ? null : ` · ${formatDuration(step.duration_ms, language)}`}
        </span>
      </span>
    </button>
  )
}

/** The nearest step in the direction of an arrow key. */
function neighbour(nodes: readonly PlacedNode[], from: PlacedNode, key: string): PlacedNode | undefined {
  const nearest = (candidates: PlacedNode[]) =>
    candidates.sort((a, b) => Math.abs(a.x - from.x) - Math.abs(b.x - from.x))[0]
  const layer = (offset: number) => nodes.filter((node) => node.layer === from.layer + offset)
  if (key === 'ArrowDown') return nearest(layer(1))
  if (key === 'ArrowUp') return nearest(layer(-1))
  if (key === 'ArrowRight') return nearest(layer(0).filter((node) => node.x > from.x))
  if (key === 'ArrowLeft') return nearest(layer(0).filter((node) => node.x < from.x))
  return undefined
}
