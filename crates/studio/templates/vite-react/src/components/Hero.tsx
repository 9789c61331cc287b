import { Link } from '../router'
import { Sunrise } from './Sunrise'

interface HeroProps {
  eyebrow: string
  title: string
  text: string
  primary: string
  secondary: string
}

export function Hero({ eyebrow, title, text, primary, secondary }: HeroProps) {
  return (
    <section className="hero">
      <div className="wrap">
        <div className="hero-text">
          <p className="eyebrow">{eyebrow}</p>
          <h1>{title}</h1>
          <p className="lead">{text}</p>
          <div className="actions">
            <Link className="button" to="/about">
              {primary}
            </Link>
            <a className="button quiet" href="#ideas">
              {secondary}
            </a>
          </div>
        </div>
        <Sunrise />
      </div>
    </section>
  )
}
