"""The site: pages, texts, styles and the JSON API."""
