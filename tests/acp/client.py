"""A client that is there to be killed: it lets an agent leave a child and go deaf; the argument is the project."""

import asyncio
import sys

from scripted import agent


async def talk(project):
    async with agent(project) as at_hand:
        print(at_hand.session_id.rsplit("-", 1)[1], flush=True)
        await at_hand.prompt("child\ndeaf", on_update=lambda update: print(update.text, flush=True))


asyncio.run(talk(sys.argv[1]))
