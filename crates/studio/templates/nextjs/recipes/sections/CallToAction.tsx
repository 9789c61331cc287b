import './CallToAction.css'

const texts = {
  title: 'Ready when you are',
  text: 'Begin with one small step today. You can change your mind at any time.',
  primary: 'Get started',
  secondary: 'Ask a question',
}

export function CallToAction() {
  return (
    <section className="section" aria-labelledby="call-to-action-title">
      <div className="wrap">
        <div className="call-to-action">
          <h2 id="call-to-action-title">{texts.title}</h2>
          <p className="lead">{texts.text}</p>
          <div className="actions">
            <a className="button" href="#main">
              {texts.primary}
            </a>
            <a className="button quiet" href="#contact">
              {texts.secondary}
            </a>
          </div>
        </div>
      </div>
    </section>
  )
}
