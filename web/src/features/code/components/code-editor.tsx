import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { javascript } from '@codemirror/lang-javascript'
import { python } from '@codemirror/lang-python'
import { bracketMatching, indentOnInput, StreamLanguage } from '@codemirror/language'
import { shell } from '@codemirror/legacy-modes/mode/shell'
import { Compartment, EditorState, type Extension, Prec } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view'
import { useEffect, useRef } from 'react'
import { editorLook, labelled } from '@/lib/editor-look'
import type { CodeLanguage } from '../api'

interface Props {
  value: string
  language: CodeLanguage
  label: string
  onChange: (value: string) => void
  onRun: () => void
}

const LANGUAGES: Record<CodeLanguage, () => Extension> = {
  python,
  javascript,
  shell: () => StreamLanguage.define(shell),
}

/**
 * The editor. Tab indents, so Escape is the way out: after it, Tab moves on. It stands in a shadow root, where
 * its style sheets need no exception from the content security policy.
 */
export default function CodeEditor({ value, language, label, onChange, onRun }: Props) {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  const calls = useRef({ onChange, onRun })
  calls.current = { onChange, onRun }
  const parts = useRef({ language: new Compartment(), label: new Compartment() })

  function runs(): boolean {
    calls.current.onRun()
    return true
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: made once; the effects below bring it up to date
  useEffect(() => {
    if (!host.current) return
    const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: 'open', delegatesFocus: true })
    const editor = new EditorView({
      root,
      parent: root as unknown as Element,
      state: EditorState.create({
        doc: value,
        extensions: [
          Prec.highest(keymap.of([{ key: 'Mod-Enter', run: runs }])),
          lineNumbers(),
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          highlightActiveLine(),
          keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
          editorLook,
          parts.current.language.of(LANGUAGES[language]()),
          parts.current.label.of(labelled(label)),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) calls.current.onChange(update.state.doc.toString())
          }),
        ],
      }),
    })
    view.current = editor
    return () => editor.destroy()
  }, [])

  useEffect(() => {
    view.current?.dispatch({ effects: parts.current.language.reconfigure(LANGUAGES[language]()) })
  }, [language])

  useEffect(() => {
    view.current?.dispatch({ effects: parts.current.label.reconfigure(labelled(label)) })
  }, [label])

  useEffect(() => {
    const editor = view.current
    if (editor && editor.state.doc.toString() !== value) {
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } })
    }
  }, [value])

  return <div ref={host} className="h-full [&::part(x)]:h-full" data-testid="code-editor" />
}
