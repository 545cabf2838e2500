"""A small client of the simulator for its own tests: written from the venue's documents, sharing no code with it."""

import asyncio
import hashlib
import hmac
import json
import time
from urllib.parse import urlencode

import aiohttp

PUBLIC_SECRET = "tradefleet-sim"


def signed(params: dict, secret: str = PUBLIC_SECRET) -> str:
    """The query string with its signature, as a client of the venue makes it."""
    query = urlencode(params)
    return f"{query}&signature={hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()}"


class Client:
    """REST and streams over real sockets. `offset` is added to the clock (ms)."""

    def __init__(self, url: str, key: str = "test", secret: str = PUBLIC_SECRET) -> None:
        self.url, self.key, self.secret, self.offset = url, key, secret, 0
        self.stream_url = url.replace("http", "ws", 1)
        self.headers = {}

    async def __aenter__(self):
        self.http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20))
        return self

    async def __aexit__(self, *_):
        await self.http.close()

    async def public(self, path: str, **params):
        async with self.http.get(f"{self.url}{path}", params=params) as response:
            self.headers = response.headers
            return response.status, await response.json()

    async def call(self, method: str, path: str, **params):
        stamp = int(time.time() * 1000) + self.offset
        query = signed({**params, "timestamp": stamp}, self.secret)
        headers = {"X-MBX-APIKEY": self.key}
        url = aiohttp.client.URL(f"{self.url}{path}?{query}", encoded=True)
        async with self.http.request(method, url, headers=headers) as response:
            self.headers = response.headers
            return response.status, await response.json()

    async def ok(self, method: str, path: str, **params):
        status, body = await self.call(method, path, **params)
        assert status == 200, body
        return body

    async def order(self, **params):
        return await self.ok("POST", "/fapi/v1/order", symbol="BTCUSDT", newOrderRespType="RESULT", **params)

    async def listen_key(self) -> str:
        async with self.http.post(f"{self.url}/fapi/v1/listenKey", headers={"X-MBX-APIKEY": self.key}) as response:
            return (await response.json())["listenKey"]

    def stream(self, path: str):
        return self.http.ws_connect(f"{self.stream_url}{path}", max_msg_size=0)

    async def admin(self, method: str, path: str, body=None):
        async with self.http.request(method, f"{self.url}{path}", json=body) as response:
            return response.status, await response.json()


async def next_json(socket: aiohttp.ClientWebSocketResponse, wanted=lambda _: True, seconds: float = 10):
    """The next frame that `wanted` accepts."""
    async with asyncio.timeout(seconds):
        while True:
            message = await socket.receive()
            assert message.type is aiohttp.WSMsgType.TEXT, message
            frame = json.loads(message.data)
            if wanted(frame):
                return frame
