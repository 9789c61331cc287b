import './FeatureCards.css'

const title = 'Made to feel easy'
const text = 'Three things people notice first.'

const cards = [
  {
    title: 'Quick to begin',
    text: 'Nothing to set up and nothing to learn by heart. The first step is the only one you see.',
    icon: 'M12 3v4m0 10v4m9-9h-4M7 12H3m14.4-5.4-2.8 2.8m-5.2 5.2-2.8 2.8m0-10.8 2.8 2.8m5.2 5.2 2.8 2.8',
  },
  {
    title: 'Quiet by design',
    text: 'It speaks when there is something to say. The rest of the time it stays out of your way.',
    icon: 'M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5z',
  },
  {
    title: 'Yours to keep',
    text: 'What you make belongs to you. Take it along whenever you like, in a form you can read.',
    icon: 'M12 20s-7.5-4.6-7.5-10A4.2 4.2 0 0 1 12 7.4 4.2 4.2 0 0 1 19.5 10c0 5.4-7.5 10-7.5 10z',
  },
]

export function FeatureCards() {
  return (
    <section className="section" id="features" aria-labelledby="features-title">
      <div className="wrap">
        <div className="section-head">
          <h2 id="features-title">{title}</h2>
          <p className="muted">{text}</p>
        </div>
        <div className="grid">
          {cards.map((card) => (
            <article className="card feature" key={card.title}>
              <svg viewBox="0 0 24 24" aria-hidden="true">
                <path d={card.icon} />
              </svg>
              <h3>{card.title}</h3>
              <p className="muted">{card.text}</p>
            </article>
          ))}
        </div>
      </div>
    </section>
  )
}
