import { Hero } from '../components/Hero'
import { Ideas } from '../components/Ideas'
import { OpeningHours } from '../components/OpeningHours'
import content from '../content.json'
// atelier:imports

export function HomePage() {
  return (
    <>
      <Hero {...content.home.hero} />
      <Ideas {...content.home.ideas} />
      <OpeningHours place="shop" />
      {/* atelier:sections */}
    </>
  )
}
