"""The pages and the API, asked over HTTP."""

import json
import threading
import time
import unittest
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import uvicorn

from app.main import app
from app.pages import PAGES


class AppTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
        cls.thread = threading.Thread(target=cls.server.run)
        cls.thread.start()
        while not cls.server.started and cls.thread.is_alive():
            time.sleep(0.01)
        port = cls.server.servers[0].sockets[0].getsockname()[1]
        cls.address = f"http://127.0.0.1:{port}"

    @classmethod
    def tearDownClass(cls):
        cls.server.should_exit = True
        cls.thread.join()

    def ask(self, path, body=None):
        """The status and the text of an answer."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.address + path, data, {"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def test_every_page_answers_with_one_heading_and_its_navigation(self):
        for page in PAGES:
            with self.subTest(page.path):
                status, html = self.ask(page.path)
                self.assertEqual(status, 200)
                self.assertEqual(html.count("<h1"), 1)
                self.assertIn('aria-current="page"', html)

    def test_an_unknown_page_says_so(self):
        status, html = self.ask("/nowhere")
        self.assertEqual(status, 404)
        self.assertIn("<h1>", html)

    def test_a_message_is_kept_an_empty_one_is_refused(self):
        self.assertEqual(self.ask("/api/messages", {"name": "Ada", "text": "Hello"})[0], 201)
        self.assertEqual(self.ask("/api/messages", {"name": " "})[0], 422)
        items = json.loads(self.ask("/api/messages")[1])["items"]
        self.assertEqual(items, [{"id": 1, "name": "Ada", "text": "Hello"}])

    def test_the_api_answers_unknown_paths_in_json(self):
        status, text = self.ask("/api/nowhere")
        self.assertEqual(status, 404)
        self.assertIn("detail", json.loads(text))


if __name__ == "__main__":
    unittest.main()
