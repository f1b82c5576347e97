"""Loaded by every process of the test's API server. Before each status, SkyPilot asks 8.8.8.8 whether there is a network,
and fails without one; a test needs none. Nothing else of SkyPilot is changed."""

import requests

requests.Session.head = lambda self, url, **kwargs: requests.Response()
