import { type FormEvent, useEffect, useState } from 'react'
import './TodoList.css'

interface Task {
  id: number
  text: string
  isDone: boolean
}

const KEY = 'tasks'
const texts = {
  title: 'Today',
  add: 'Add',
  label: 'What is to be done?',
  empty: 'Nothing yet. A good day to begin.',
  remove: 'Remove',
}

export function TodoList() {
  const [tasks, setTasks] = useState<Task[]>([])

  // The list is kept in the browser, so it is read after the first rendering.
  useEffect(() => setTasks(readTasks()), [])

  function keep(next: Task[]) {
    setTasks(next)
    writeTasks(next)
  }

  function add(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = event.currentTarget
    const text = String(new FormData(form).get('text')).trim()
    if (text) keep([...tasks, { id: Date.now(), text, isDone: false }])
    form.reset()
  }

  return (
    <section className="section" id="tasks" aria-labelledby="tasks-title">
      <div className="wrap">
        <div className="card todo">
          <h2 id="tasks-title">{texts.title}</h2>
          <form onSubmit={add}>
            <input name="text" aria-label={texts.label} placeholder={texts.label} autoComplete="off" />
            <button className="button" type="submit">
              {texts.add}
            </button>
          </form>
          {tasks.length === 0 && <p className="muted">{texts.empty}</p>}
          <ul>
            {tasks.map((task) => (
              <li key={task.id}>
                <label>
                  <input
                    type="checkbox"
                    checked={task.isDone}
                    onChange={() => keep(tasks.map((it) => (it.id === task.id ? { ...it, isDone: !it.isDone } : it)))}
                  />
                  <span>{task.text}</span>
                </label>
                <button
                  type="button"
                  aria-label={`${texts.remove}: ${task.text}`}
                  onClick={() => keep(tasks.filter((it) => it.id !== task.id))}
                >
                  ×
                </button>
              </li>
            ))}
          </ul>
        </div>
      </div>
    </section>
  )
}

// A browser may refuse to keep anything; the list then lasts as long as the page.
function readTasks(): Task[] {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '[]')
  } catch {
    return []
  }
}

function writeTasks(tasks: Task[]) {
  try {
    localStorage.setItem(KEY, JSON.stringify(tasks))
  } catch {}
}
