"""The store on Redis, Valkey and what else speaks their protocol: alone, behind TLS, with Sentinel, as a cluster."""

from key_stores.redis.store import RedisKeyStore

__all__ = ["RedisKeyStore"]
