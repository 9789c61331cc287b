import './Testimonials.css'

const title = 'What people say'

const voices = [
  {
    quote: 'I had something to show on the same afternoon. It felt less like work and more like talking it through.',
    name: 'Marina Alves',
    role: 'Independent designer',
  },
  {
    quote: 'Clear, quiet and quick. We stopped arguing about tools and went back to the idea.',
    name: 'Jonas Keller',
    role: 'Founder of a small studio',
  },
  {
    quote: 'The kind of thing you open in the morning and forget that it is there.',
    name: 'Amina Diallo',
    role: 'Writer',
  },
]

export function Testimonials() {
  return (
    <section className="section" id="voices" aria-labelledby="voices-title">
      <div className="wrap">
        <div className="section-head">
          <h2 id="voices-title">{title}</h2>
        </div>
        <div className="grid">
          {voices.map((voice) => (
            <figure className="card voice" key={voice.name}>
              <blockquote>{voice.quote}</blockquote>
              <figcaption>
                <strong>{voice.name}</strong>
                <span className="muted">{voice.role}</span>
              </figcaption>
            </figure>
          ))}
        </div>
      </div>
    </section>
  )
}
