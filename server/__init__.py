"""Calls over WebRTC: asyncio, aiohttp and aiortc live here and nowhere else."""
