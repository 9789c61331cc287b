// A list of tasks, kept in the browser.
const KEY = 'tasks'

for (const todo of document.querySelectorAll('.todo')) {
  let tasks = readTasks()
  const form = todo.querySelector('form')
  const list = todo.querySelector('ul')
  const empty = todo.querySelector('p')

  const keep = (next) => {
    tasks = next
    writeTasks(tasks)
    draw()
  }

  const draw = () => {
    empty.hidden = tasks.length > 0
    list.replaceChildren(...tasks.map(drawTask))
  }

  const drawTask = (task) => {
    const box = Object.assign(document.createElement('input'), { type: 'checkbox', checked: task.isDone })
    box.addEventListener('change', () => keep(tasks.map((it) => (it.id === task.id ? { ...it, isDone: box.checked } : it))))
    const text = Object.assign(document.createElement('span'), { textContent: task.text })
    const label = document.createElement('label')
    label.append(box, text)
    const remove = Object.assign(document.createElement('button'), { type: 'button', textContent: '×' })
    remove.setAttribute('aria-label', `${todo.dataset.remove}: ${task.text}`)
    remove.addEventListener('click', () => keep(tasks.filter((it) => it.id !== task.id)))
    const item = document.createElement('li')
    item.append(label, remove)
    return item
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const text = form.elements.text.value.trim()
    if (text) keep([...tasks, { id: Date.now(), text, isDone: false }])
    form.reset()
  })
  draw()
}

// A browser may refuse to keep anything; the list then lasts as long as the page.
function readTasks() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '[]')
  } catch {
    return []
  }
}

function writeTasks(tasks) {
  try {
    localStorage.setItem(KEY, JSON.stringify(tasks))
  } catch {}
}
