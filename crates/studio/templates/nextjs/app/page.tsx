import { Hero } from '@/components/Hero'
import { Ideas } from '@/components/Ideas'
import content from '@/content.json'
// atelier:imports

export default function HomePage() {
  return (
    <>
      <Hero {...content.home.hero} />
      <Ideas {...content.home.ideas} />
      {/* atelier:sections */}
    </>
  )
}
