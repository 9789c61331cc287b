import { useState } from 'react'
import './Counter.css'

const texts = { title: 'Counter', less: 'One less', more: 'One more', reset: 'Begin again' }

export function Counter() {
  const [count, setCount] = useState(0)

  return (
    <section className="section" id="counter" aria-labelledby="counter-title">
      <div className="wrap">
        <div className="card counter">
          <h2 id="counter-title">{texts.title}</h2>
          <output aria-live="polite">{count}</output>
          <div className="actions">
            <button className="button quiet" type="button" onClick={() => setCount(count - 1)}>
              {texts.less}
            </button>
            <button className="button" type="button" onClick={() => setCount(count + 1)}>
              {texts.more}
            </button>
            <button className="button quiet" type="button" onClick={() => setCount(0)}>
              {texts.reset}
            </button>
          </div>
        </div>
      </div>
    </section>
  )
}
